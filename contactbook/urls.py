from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path, re_path

from accounts import pages
from contactbook.api import document
from contactbook.http import errors, health
from contacts import media
from contacts.api.calendar import CalendarViewSet
from contacts.carddav.views import dav, dav_or_page, well_known

# The manual's theme has scripts and styles in its pages.
manual_csp = csp_update({"script-src": ["'unsafe-inline'"], "style-src": ["'unsafe-inline'"]})

urlpatterns = [
    # Django uses the first that matches, so the most frequent ones come first.
    path("api/", include("contacts.urls")),
    path("api/", include("accounts.urls")),
    re_path(
        r"^feeds/(?P<secret>[^/]+)/birthdays\.ics\Z",
        CalendarViewSet.as_view({"get": "retrieve"}),
        name="birthdays_feed",
    ),
    re_path(r"^dav(?:/[\s\S]*)?\Z", dav, name="dav"),
    re_path(r"^\.well-known/carddav/?\Z", well_known, name="well_known_carddav"),
    re_path(r"^principals/?\Z", dav, name="dav_principals"),
    path("", dav_or_page(pages.home), name="home"),
    re_path(r"^confirm/?\Z", pages.ask_confirm, name="ask_confirm"),
    re_path(r"^reset/?\Z", pages.ask_reset, name="ask_reset"),
    re_path(r"^reset/(?P<token>[^/]+)/?\Z", pages.reset, name="reset"),
    re_path(r"^reminders/off/(?P<token>[^/]+)/?\Z", pages.stop_reminders, name="stop_reminders"),
    re_path(r"^api/schema/?\Z", document.schema, name="schema"),
    re_path(r"^api/docs/?\Z", document.docs, name="docs"),
    re_path(r"^api/redoc/?\Z", document.redoc, name="redoc"),
    re_path(r"^manual/(?P<path>.*)\Z", manual_csp(pages.manual), name="manual"),  # type: ignore[arg-type]
    path("admin/", admin.site.urls),
    re_path(r"^media/avatars/(?P<name>[0-9a-f]{32}\.jpg)\Z", media.avatar, name="media"),
    re_path(r"^media/pictures/(?P<name>[0-9a-f]{32})\Z", media.original, name="original"),
    re_path(r"^healthz/?\Z", health.healthz, name="healthz"),
    re_path(r"^readyz/?\Z", health.readyz, name="readyz"),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
