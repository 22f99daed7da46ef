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


@extend_schema(tags=["history"])
class HistoryViewSet(ContactBookViewSet):
    """The changes of one contact, also of one in the trash."""

    limits = {"list": "contacts_history", "restore": "contacts_restore"}

    def contacts(self) -> ContactQuerySet:
        return Contact.objects.all_of(self.user.pk)

    @extend_schema(
        operation_id="listHistory",
        summary="History of a contact",
        description="Returns the changes of a contact, the newest first, each with the fields that it changed, before "
        "and after. Contacts in the trash have a history too. Contents older than 90 days are erased, unless the "
        "operator set another time; the changes themselves stay. 413 if the page is too large.",
        parameters=[PageQuery],
        responses={200: HistoryOutput(many=True), 413: Problem},
    )
    def list(self, request: Request, contact_id: str) -> Response:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        contact = self.contacts().by_id(self.contact_id())
        return Response(history.of_contact(contact, **query.validated_data))

    @extend_schema(
        operation_id="restoreContact",
        summary="Restore a contact to what it was after a change",
        description="Sets the contact, or some of its fields, to what it was just after a change. That is a change "
        "too, which can be undone. A contact in the trash is taken out of it. 409 if the contents from that time are "
        "erased, 422 if the contact has no such change.",
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
