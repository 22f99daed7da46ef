"""/api/contacts/trash."""

from django.db.models import F
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.pagination import SkipLimitPagination
from contactbook.api.schema import ETAG, IDEMPOTENCY_KEY, LINK, TOTAL_COUNT, Problem
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.models import Contact
from contacts.serializers.contacts import WholeContactOutput, represent_contact
from contacts.serializers.log import DeletedContactOutput
from contacts.serializers.queries import PageQuery


@extend_schema(tags=["history"])
class TrashViewSet(ContactBookViewSet):
    limits = {"list": "contacts_trash", "restore": "trash_restore", "purge": "trash_purge"}

    @extend_schema(
        operation_id="listTrash",
        summary="List deleted contacts",
        description="Returns the contacts in the trash, the last deleted first. 413 if the page is too large, with a "
        "smaller `limit` in its sentence.",
        parameters=[PageQuery, TOTAL_COUNT, LINK],
        responses={200: DeletedContactOutput(many=True), 413: Problem},
    )
    def list(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        trash = Contact.objects.trash_of(self.user.pk)
        paginator = SkipLimitPagination(**query.validated_data, size=F("size"))
        paginator.total = trash.count()
        page = paginator.paginate_queryset(trash.order_by("-deleted_at", "-id"), request, self)
        return paginator.get_paginated_response(
            [{**represent_contact(contact), "deleted_at": contact.deleted_at} for contact in page]
        )

    @extend_schema(
        operation_id="restoreFromTrash",
        summary="Restore a deleted contact",
        description="Takes a contact out of the trash, with its id, its groups and its history. 404 if it is not in "
        "the trash.",
        request=None,
        parameters=[IDEMPOTENCY_KEY, ETAG],
        responses={200: WholeContactOutput},
    )
    @idempotent
    def restore(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = book.restore(book.get_from_trash(self.contact_id()))
        return self.contact_response(contact)

    @extend_schema(
        operation_id="purgeFromTrash",
        summary="Erase a deleted contact for good",
        description="Erases a contact in the trash, and the contents of its history. It cannot be restored. Returns "
        "the contact as it was. 404 if it is not in the trash: delete it first.",
        responses={200: WholeContactOutput},
    )
    def purge(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = book.get_from_trash(self.contact_id())
            response = Response(represent_contact(contact))
            book.purge(contact)
        return response
