"""The limits of history, trash, undo, changes, batch, groups and export: one for each route and method."""

import pytest

import contacts.urls  # noqa: F401 - it imports every view
from contacts.api.base import ContactBookViewSet

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]

ROUTES = {
    "contacts_history": ("get", "/api/contacts/1/history"),
    "contacts_restore": ("post", "/api/contacts/1/restore"),
    "contacts_trash": ("get", "/api/contacts/trash"),
    "trash_restore": ("post", "/api/contacts/trash/1/restore"),
    "trash_purge": ("delete", "/api/contacts/trash/1"),
    "undo": ("post", "/api/undo"),
    "contacts_changes": ("get", "/api/contacts/changes"),
    "contacts_batch": ("post", "/api/contacts/batch"),
    "duplicates": ("get", "/api/contacts/duplicates"),
    "dismiss": ("post", "/api/contacts/duplicates/x/dismiss"),
    "merge": ("post", "/api/contacts/merge"),
    "groups_list": ("get", "/api/groups"),
    "groups_create": ("post", "/api/groups"),
    "groups_update": ("patch", "/api/groups/1"),
    "groups_delete": ("delete", "/api/groups/1"),
    "me_export": ("get", "/api/me/export"),
    "contacts_export": ("get", "/api/contacts/export"),
}
# Those of the contract's seven routes and of PATCH, which have tests of their own.
OTHERS = {"ContactViewSet", "AvatarViewSet", "FeedsViewSet", "ImportViewSet", "AppPasswordsViewSet"}


def test_every_limit_of_these_routes_is_listed():
    views = [view for view in ContactBookViewSet.__subclasses__() if view.__name__ not in OTHERS]
    assert set(ROUTES) == {name for view in views for name in view.limits.values()}


def status(client, name):
    method, url = ROUTES[name]
    answer = getattr(client, method)(url, format="json")
    if answer.streaming:
        b"".join(answer.streaming_content)  # whose end closes the file
    return answer.status_code


@pytest.mark.parametrize("name", ROUTES)
def test_each_route_has_its_own_limit(as_alice, no_limits, limits, name):
    limits(**{name: (1, 60)})
    assert status(as_alice, name) != 429
    assert status(as_alice, name) == 429
    assert not [other for other in ROUTES if other != name and status(as_alice, other) == 429]
