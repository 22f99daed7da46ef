"""GET /api/contacts/{id}/history and POST /api/contacts/{id}/restore."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.schema import ETAG, IDEMPOTENCY_KEY, Problem
from contacts import history
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.models import Contact, ContactQuerySet
from contacts.serializers.contacts import WholeContactOutput
from contacts.serializers.log import HistoryOutput, RestoreInput
from contacts.serializers.queries import PageQuery


class HistoryViewSet(ContactBookViewSet):
    """The changes of one contact, also of one in the trash."""

    limits = {"list": "contacts_history", "restore": "contacts_restore"}

    def contacts(self) -> ContactQuerySet:
        return Contact.objects.all_of(self.user.pk)

    @extend_schema(
        operation_id="listHistory",
        summary="History of a contact",
        parameters=[PageQuery],
        responses={200: HistoryOutput(many=True)},
    )
    def list(self, request: Request, contact_id: str) -> Response:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        contact = self.contacts().by_id(self.contact_id())
        return Response(history.of_contact(contact, **query.validated_data))

    @extend_schema(
        operation_id="restoreContact",
        summary="Restore a contact to what it was after a change",
        request=RestoreInput,
        parameters=[IDEMPOTENCY_KEY, ETAG],
        responses={200: WholeContactOutput, 409: Problem},
    )
    @idempotent
    def restore(self, request: Request, contact_id: str) -> Response:
        serializer = RestoreInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with self.writing() as book:
            contact = self.contacts().by_id(self.contact_id())
            history.restore(book, contact, given["to"], given.get("fields"))
        return self.contact_response(contact)
