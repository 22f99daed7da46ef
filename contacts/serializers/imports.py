"""Serializers of imports."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers

from contactbook.api.fields import Count
from contactbook.api.serializers import PathSerializer
from contacts.avatars.references import fields_with_public_urls
from contacts.importing import readers
from contacts.importing.uploads import Upload
from contacts.models import Import, ImportEntry
from contacts.serializers.fields import UploadField
from contacts.serializers.queries import PageQuery

FORMATS = ("auto", "vcard", "csv", "jscontact")
MOST_MAPPING = 64 * 1024  # characters


class ImportInput(serializers.Serializer):
    """A file of contacts, and what cannot be told from it."""

    file = UploadField(allow_empty_file=True, help_text="The file, at most 50 MB.")
    format = serializers.ChoiceField(
        FORMATS, required=False, default="auto", help_text="The format of the file; auto tells it by its beginning."
    )
    encoding = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=40,
        help_text="The encoding, a WHATWG label, of a file whose beginning does not tell it; by default it is found.",
    )
    date_order = serializers.ChoiceField(
        ["ymd", "dmy", "mdy"],
        required=False,
        help_text="The order of day, month and year in a table; by default it is found.",
    )
    mapping = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MOST_MAPPING,
        help_text="A JSON object for a table: the name of each column, and its target or null.",
    )

    def validate_encoding(self, label: str) -> str | None:
        if label and not readers.decoding_name(label):
            raise serializers.ValidationError("This encoding is not known.")
        return label or None

    def validate_mapping(self, text: str) -> dict[str, str | None] | None:
        try:
            return readers.mapping_of(text) if text.strip() else None
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None

    def upload(self, client: str) -> Upload:
        """Return the upload. Its file must be valid by its beginning."""
        options: dict[str, Any] = dict(self.validated_data)
        file: UploadedFile = options.pop("file")
        return Upload(file, client, options)


class ApplyInput(serializers.Serializer):
    """What becomes of cards about contacts that are there."""

    example = {"policy": "fill"}
    policy = serializers.ChoiceField(
        Import.Policy.choices,
        help_text="What becomes of cards about contacts that are there: skip leaves the contact, fill adds what it "
        "lacks, replace makes it as in the file, keep_both adds a second one.",
    )


class ImportPath(PathSerializer):
    import_id = Count()


class EntriesQuery(PageQuery):
    status = serializers.ChoiceField(ImportEntry.Status.choices, required=False, help_text="Only these entries.")


class ProgressOutput(serializers.Serializer):
    """How far a step is, in entries."""

    done = serializers.IntegerField(min_value=0, help_text="Entries that the current or last step has worked on.")
    total = serializers.IntegerField(min_value=0, allow_null=True, help_text="All entries; null while not known.")


class CountsOutput(serializers.Serializer):
    """The entries by their status."""

    new = serializers.IntegerField(min_value=0, help_text="Cards that are about no contact.")
    same = serializers.IntegerField(min_value=0, help_text="Cards of which nothing is missing or different.")
    changes = serializers.IntegerField(min_value=0, help_text="Cards of which something is missing or different.")
    failed = serializers.IntegerField(min_value=0, help_text="Entries that could not be read.")


class ColumnOutput(serializers.Serializer):
    """A column of a table."""

    name = serializers.CharField(help_text="The heading.")
    target = serializers.CharField(allow_null=True, help_text="What the column is read as; null for nothing known.")
    example = serializers.CharField(allow_null=True, help_text="A value of the column; null where it has none.")


class ImportOutput(serializers.ModelSerializer):
    """An import: a file, the step that works on it, and what the file holds."""

    example = {
        "id": 1,
        "filename": "contacts.vcf",
        "format": "vcard",
        "created_at": "2026-01-31T12:00:00Z",
        "status": "ready",
        "progress": {"done": 2, "total": 2},
        "counts": {"new": 1, "same": 0, "changes": 1, "failed": 0},
        "columns": None,
        "encoding": "utf-8",
        "question": None,
        "error": None,
    }
    id = serializers.IntegerField(help_text="The id of the import.")
    filename = serializers.CharField(help_text="The name of the file, without control characters.")
    format = serializers.ChoiceField(FORMATS[1:], help_text="The format as which the file is read.")
    created_at = serializers.DateTimeField(help_text="When the file was uploaded.")
    status = serializers.ChoiceField(Import.Status.choices, help_text="The step that runs, or how the last one ended.")
    progress = ProgressOutput(help_text="How far the current step is, or the last one.")
    counts = CountsOutput(help_text="Entries by their status. From ready on they add up to the total.")
    columns = ColumnOutput(many=True, allow_null=True, help_text="The columns of a table; null for other formats.")
    encoding = serializers.CharField(allow_null=True, help_text="The encoding, given or found; null while not known.")
    question = serializers.CharField(allow_null=True, help_text="What to say with another upload; null for nothing.")
    error = serializers.CharField(allow_null=True, help_text="Why the last step failed; null if it did not.")

    class Meta:
        model = Import
        fields = (
            "id", "filename", "format", "created_at", "status", "progress", "counts",
            "columns", "encoding", "question", "error",
        )  # fmt: skip


class EntryOutput(serializers.ModelSerializer):
    """A card or row of the file, what it is to the address book, and what was done with it."""

    example = {
        "entry": 1,
        "line": 1,
        "status": "changes",
        "done": None,
        "fullname": "Ada Lovelace",
        "contact_id": 1,
        "fields": {"phone": [None, "+44 20 7946 0000"]},
        "notes": [],
        "reason": None,
    }
    entry = serializers.IntegerField(source="number", help_text="The number of the entry in the file, from 1.")
    line = serializers.IntegerField(allow_null=True, help_text="The line where it begins, from 1; null in JSON.")
    status = serializers.ChoiceField(ImportEntry.Status.choices, help_text="What it is to the address book.")
    done = serializers.CharField(
        allow_null=True,
        help_text="What was done with it: added, changed, left, undone, conflict; null before it is applied.",
    )
    fullname = serializers.CharField(help_text="The full name; empty for an entry that failed.")
    contact_id = serializers.IntegerField(allow_null=True, help_text="The contact that it is about; null for none.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(min_length=2, max_length=2),
        help_text="Each field that replace would change, or that was changed: [before, after]. A picture of the file "
        "is named by its SHA-256. Of a large card only the flat fields, cut.",
    )
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What was understood otherwise than it stands in the file; sentences."
    )
    reason = serializers.CharField(allow_null=True, help_text="Why it failed, or was not taken back; null if neither.")

    def to_representation(self, instance: ImportEntry) -> dict[str, Any]:
        entry: dict[str, Any] = super().to_representation(instance)
        return {**entry, "fields": fields_with_public_urls(entry["fields"])}

    class Meta:
        model = ImportEntry
        fields = ("entry", "line", "status", "done", "fullname", "contact_id", "fields", "notes", "reason")
