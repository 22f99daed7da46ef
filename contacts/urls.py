from django.urls import URLPattern, re_path

from contacts.api.contacts import AvatarViewSet, ContactsViewSet, ContactViewSet
from contacts.api.export import ExportViewSet
from contacts.api.log import (
    BatchViewSet,
    ChangesViewSet,
    GroupsViewSet,
    HistoryViewSet,
    TrashViewSet,
    UndoViewSet,
)

CONTACT = r"(?P<contact_id>[^/]+)"
GROUP = r"(?P<group_id>[^/]+)"
QUERY = r"contacts/(?P<contact_id>[\s\S]+?)"  # a name may have a slash in it, which a path cannot hide


def route(path: str, view: type, name: str, **actions: str) -> URLPattern:
    """A resource by its path, with or without a trailing slash; `actions` are the view's methods by HTTP method."""
    return re_path(rf"^{path}/?\Z", view.as_view(actions), name=name)  # type: ignore[attr-defined]


urlpatterns = [
    route("contacts", ContactsViewSet, "contacts", get="list", post="create"),
    route("contacts/bd", ContactsViewSet, "birthdays", get="birthdays"),
    route("contacts/trash", TrashViewSet, "trash", get="list"),
    route(f"contacts/trash/{CONTACT}", TrashViewSet, "trash_purge", delete="purge"),
    route(f"contacts/trash/{CONTACT}/restore", TrashViewSet, "trash_restore", post="restore"),
    route("contacts/changes", ChangesViewSet, "changes", get="list"),
    route("contacts/batch", BatchViewSet, "batch", post="run"),
    route(f"contacts/{CONTACT}/avatar", AvatarViewSet, "avatar", patch="replace"),
    route(f"contacts/{CONTACT}/history", HistoryViewSet, "history", get="list"),
    route(f"contacts/{CONTACT}/restore", HistoryViewSet, "restore", post="restore"),
    route(QUERY, ContactViewSet, "contact", get="find", put="update", patch="merge", delete="destroy"),
    route("undo", UndoViewSet, "undo", post="undo"),
    route("groups", GroupsViewSet, "groups", get="list", post="create"),
    route(f"groups/{GROUP}", GroupsViewSet, "group", patch="rename", delete="destroy"),
    route("me/export", ExportViewSet, "export", get="export"),
]
