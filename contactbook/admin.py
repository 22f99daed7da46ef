"""The admin site: permissions, login, the dashboard, and a ModelAdmin whose lists stay fast with a million rows."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from rest_framework.exceptions import Throttled

from contactbook.api.throttling import limited

MAX_COUNT = 10_000  # larger numbers of rows are not counted exactly


def bounded_count(rows: QuerySet[Any]) -> int:
    """Return the number of rows, at most MAX_COUNT + 1: the cost does not grow with the table."""
    return rows.order_by()[: MAX_COUNT + 1].count()


def row_count(rows: QuerySet[Any]) -> str:
    """Return the number of rows as text: exact up to MAX_COUNT, then "over 10,000"."""
    count = bounded_count(rows)
    return f"{count:,}" if count <= MAX_COUNT else f"over {MAX_COUNT:,}"


def table_size(model: type[Model]) -> str:
    """Return the size of a table as text: exact up to MAX_COUNT, then PostgreSQL's estimate."""
    count = row_count(model._default_manager.all())
    if connection.vendor != "postgresql" or not count.startswith("over"):
        return count
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        estimate = cursor.fetchone()[0]  # -1 before the table's first ANALYZE
    return f"about {estimate:,}" if estimate > MAX_COUNT else count


class BoundedPaginator(Paginator):
    """Paginates the first MAX_COUNT rows. Later rows are found by the search."""

    @cached_property
    def count(self) -> int:
        return min(bounded_count(self.object_list), MAX_COUNT)  # type: ignore[arg-type]


class FastAdmin(admin.ModelAdmin):
    """The base of all admin pages: no full counts, no sorting without an index, actions that are logged."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_max_show_all = 100
    list_per_page = 50
    actions_selection_counter = False  # it offers actions on the rows of all pages
    show_facets = admin.ShowFacets.NEVER  # they count the rows of every choice
    sortable_by: ClassVar[Any] = ()

    def numbers(self, request: HttpRequest) -> Iterable[tuple[str, str, str]]:
        """Return numbers for the dashboard, each with its label and the query of the list of those rows."""
        return ()

    def audit(self, request: HttpRequest, rows: Iterable[Model], message: str) -> None:
        """Add a LogEntry for each row that an action changed."""
        LogEntry.objects.log_actions(request.user.pk, list(rows), CHANGE, message)  # type: ignore[arg-type]


class LoginForm(AdminAuthenticationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Address"
        self.fields["username"].widget.input_type = "email"

    def clean(self) -> dict[str, Any]:
        """Show TooManyFailures, an exception of REST framework, as an error of the form."""
        try:
            return super().clean()
        except Throttled as error:
            raise forms.ValidationError(str(error.detail), code="throttled") from None

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        super().confirm_login_allowed(user)  # type: ignore[arg-type]
        if not getattr(user, "confirmed_at", None):
            raise forms.ValidationError("Confirm your address first.", code="unconfirmed")


class ContactBookAdminSite(admin.AdminSite):
    site_header = "Contact book"
    site_title = "Contact book administration"
    index_title = "Administration"
    index_template = "admin/dashboard.html"
    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and bool(getattr(request.user, "confirmed_at", None))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return guarded_login(request, super().login, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**(extra_context or {}), "numbers": self.numbers(request)})

    def numbers(self, request: HttpRequest) -> list[dict[str, str]]:
        """Return the dashboard's numbers of all models that the staff member may view."""
        found = []
        for model, model_admin in self._registry.items():
            if isinstance(model_admin, FastAdmin) and model_admin.has_view_permission(request):
                url = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
                names = ("number", "label", "query")
                found += [{"url": url, **dict(zip(names, each, strict=True))} for each in model_admin.numbers(request)]
        return found


@limited("admin_login", "POST")
def guarded_login(request: HttpRequest, login: Any, extra_context: dict[str, Any] | None) -> HttpResponse:
    response: HttpResponse = login(request, extra_context)
    return response
