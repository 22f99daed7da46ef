from django.urls import re_path

from .views import AvatarViewSet, ContactsViewSet, ContactViewSet

urlpatterns = [
    re_path(r"^contacts/?\Z", ContactsViewSet.as_view({"get": "list", "post": "create"}), name="contacts"),
    re_path(r"^contacts/bd/?\Z", ContactsViewSet.as_view({"get": "birthdays"}), name="birthdays"),
    re_path(
        r"^contacts/(?P<contact_id>[^/]+)/avatar/?\Z", AvatarViewSet.as_view({"patch": "replace"}), name="avatar"
    ),
    re_path(
        r"^contacts/(?P<contact_id>[^/]+)/?\Z",
        ContactViewSet.as_view({"get": "find", "put": "update", "delete": "destroy"}),
        name="contact",
    ),
]
