from django.urls import URLPattern, re_path

from contacts.api.app_passwords import AppPasswordsViewSet
from contacts.api.avatar import AvatarViewSet
from contacts.api.batch import BatchViewSet
from contacts.api.changes import ChangesViewSet
from contacts.api.contacts import ContactViewSet
from contacts.api.contacts_export import ContactsExportViewSet
from contacts.api.duplicates import DuplicateViewSet, MergeViewSet
from contacts.api.export import ExportViewSet
from contacts.api.feeds import FeedsViewSet
from contacts.api.groups import GroupViewSet
from contacts.api.history import HistoryViewSet
from contacts.api.imports import ImportViewSet
from contacts.api.trash import TrashViewSet
from contacts.api.undo import UndoViewSet

CONTACT = r"(?P<contact_id>[^/]+)"
GROUP = r"(?P<group_id>[^/]+)"
IMPORT = r"(?P<import_id>[^/]+)"
KEY = r"(?P<key>[^/]+)"
QUERY = r"contacts/(?P<contact_id>[\s\S]+?)"  # a name may contain a slash, which a path cannot escape


def route(path: str, view: type, name: str, **actions: str) -> URLPattern:
    """Return the route of a path, with or without a trailing slash; `actions` maps HTTP methods to the view's."""
    return re_path(rf"^{path}/?\Z", view.as_view(actions), name=name)  # type: ignore[attr-defined]


urlpatterns = [
    route("contacts", ContactViewSet, "contacts", get="list", post="create"),
    route("contacts/bd", ContactViewSet, "birthdays", get="birthdays"),
    route("contacts/trash", TrashViewSet, "trash", get="list"),
    route(f"contacts/trash/{CONTACT}", TrashViewSet, "trash_purge", delete="purge"),
    route(f"contacts/trash/{CONTACT}/restore", TrashViewSet, "trash_restore", post="restore"),
    route("contacts/export", ContactsExportViewSet, "contacts_export", get="export"),
    route("contacts/changes", ChangesViewSet, "changes", get="list"),
    route("contacts/batch", BatchViewSet, "batch", post="run"),
    route("contacts/duplicates", DuplicateViewSet, "duplicates", get="list"),
    route(f"contacts/duplicates/{KEY}/dismiss", DuplicateViewSet, "dismiss", post="dismiss"),
    route("contacts/merge", MergeViewSet, "merge", post="merge"),
    route(f"contacts/{CONTACT}/avatar", AvatarViewSet, "avatar", patch="replace"),
    route(f"contacts/{CONTACT}/history", HistoryViewSet, "history", get="list"),
    route(f"contacts/{CONTACT}/restore", HistoryViewSet, "restore", post="restore"),
    route(QUERY, ContactViewSet, "contact", get="find", put="update", patch="partial_update", delete="destroy"),
    route("undo", UndoViewSet, "undo", post="undo"),
    route("groups", GroupViewSet, "groups", get="list", post="create"),
    route(f"groups/{GROUP}", GroupViewSet, "group", patch="rename", delete="destroy"),
    route("me/app_passwords", AppPasswordsViewSet, "app_passwords", get="list", post="create"),
    route(r"me/app_passwords/(?P<password_id>[^/]+)", AppPasswordsViewSet, "app_password", delete="end"),
    route("me/feeds", FeedsViewSet, "me_feeds", get="list", post="create"),
    route(r"me/feeds/(?P<feed_id>[^/]+)", FeedsViewSet, "me_feed", delete="destroy"),
    route("imports", ImportViewSet, "imports", get="list", post="create"),
    route(f"imports/{IMPORT}", ImportViewSet, "import", get="retrieve", delete="destroy"),
    route(f"imports/{IMPORT}/entries", ImportViewSet, "import_entries", get="entries"),
    route(f"imports/{IMPORT}/apply", ImportViewSet, "import_apply", post="apply"),
    route(f"imports/{IMPORT}/undo", ImportViewSet, "import_undo", post="undo"),
    route("me/export", ExportViewSet, "export", get="export"),
]
