"""GET /api/contacts/export."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from contactbook.api.schema import sentence
from contacts.api.base import ContactBookViewSet
from contacts.exporting import FORMATS, export
from contacts.serializers.contacts import CardOutput
from contacts.serializers.queries import ExportQuery
from contacts.streaming import StreamedResponse, reserved_slot

VCARDS = sentence("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada Lovelace\r\nEND:VCARD\r\n")
TABLE = sentence("\ufefffullname,email\r\nAda Lovelace,ada@example.org\r\n")


class ContactsExportViewSet(ContactBookViewSet):
    limits = {"export": "contacts_export"}
    cache_control = "private, no-store"

    @extend_schema(
        operation_id="exportContacts",
        summary="Export contacts as a file",
        description="Streams the contacts by id, as vCards, as one JSON array of JSContact cards, or as a table. "
        "Pictures are inside, in a table as URLs. Groups are the categories of their contacts. The trash is not "
        "exported.",
        parameters=[ExportQuery],
        responses={
            (200, "text/vcard"): VCARDS,
            (200, "text/csv"): TABLE,
            (200, "application/json"): CardOutput(many=True),
        },
    )
    def export(self, request: Request) -> StreamedResponse:
        query = ExportQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        name, contacts = query.validated_data["format"], query.select(self.contacts(), self.numbers)
        file = FORMATS[name]
        with reserved_slot() as slot:
            response = StreamedResponse(export(contacts, name), content_type=file.content_type)
            filename = f"contacts-{timezone.localdate():%Y-%m-%d}.{file.extension}"
            response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
            response.slot = slot.pop_all()
        return response
