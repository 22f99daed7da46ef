"""/api/imports."""

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiRequest, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.pagination import SkipLimitPagination
from contactbook.api.parsers import JSONParser, WholeMultiPartParser
from contactbook.api.schema import LINK, LOCATION, TOTAL_COUNT, Problem
from contactbook.api.viewsets import APIViewSet
from contacts.api.base import ContactBookViewSet
from contacts.importing.uploads import MOST_BYTES
from contacts.models import Import, ImportEntry
from contacts.models.imports import ImportQuerySet
from contacts.serializers.imports import (
    MOST_MAPPING,
    ApplyInput,
    EntriesQuery,
    EntryOutput,
    ImportInput,
    ImportOutput,
    ImportPath,
)
from contacts.serializers.queries import PageQuery

MOST_FORM = 64 * 1024 + 4 * MOST_MAPPING  # bytes around the file


class ImportViewSet(ContactBookViewSet):
    """Files of cards: uploaded, looked at, applied, undone. The steps run in contacts/importing."""

    limits = {
        "list": "imports_list",
        "create": "imports_create",
        "retrieve": "imports_show",
        "entries": "imports_entries",
        "apply": "imports_apply",
        "undo": "imports_undo",
        "destroy": "imports_delete",
    }
    cache_control = "no-store"

    def get_parsers(self) -> list[BaseParser]:
        return [WholeMultiPartParser() if self.action_map.get("post") == "create" else JSONParser()]

    @property
    def max_body(self) -> int:  # type: ignore[override]
        return MOST_BYTES + MOST_FORM if self.action == "create" else APIViewSet.max_body

    def imports(self) -> ImportQuerySet:
        return Import.objects.for_user(self.user.pk)

    def import_id(self) -> int:
        path = ImportPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        import_id: int = path.validated_data["import_id"]
        return import_id

    @extend_schema(
        operation_id="listImports",
        summary="List imports",
        description="Your imports, newest first. An import is forgotten 30 days after its last step.",
        parameters=[PageQuery, TOTAL_COUNT, LINK],
        responses={200: ImportOutput(many=True)},
    )
    def list(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        paginator = SkipLimitPagination(**query.validated_data)
        paginator.total = self.imports().count()
        page = paginator.paginate_queryset(self.imports().order_by("-id"), request, self)
        return paginator.get_paginated_response(ImportOutput(page, many=True).data)

    @extend_schema(
        operation_id="createImport",
        summary="Upload a file of contacts",
        description="Nothing is written to the address book yet: the answer names an import, which reads the file.",
        request={"multipart/form-data": OpenApiRequest(ImportInput)},
        parameters=[LOCATION],
        responses={201: ImportOutput, 409: Problem},
    )
    def create(self, request: Request) -> Response:
        serializer = ImportInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        upload = serializer.upload(request.headers.get("User-Agent", ""))
        received = Import.objects.receive(self.user.pk, upload)
        headers = {"Location": f"/api/imports/{received.pk}"}
        return Response(ImportOutput(received).data, 201, headers=headers)

    @extend_schema(
        operation_id="showImport",
        summary="Show an import",
        description="What the file holds, and how far the current step is.",
        responses={200: ImportOutput},
    )
    def retrieve(self, request: Request, import_id: str) -> Response:
        return Response(ImportOutput(self.imports().by_id(self.import_id())).data)

    @extend_schema(
        operation_id="listImportEntries",
        summary="List the entries of an import",
        description="Each card of the file, in its order: what it is to the address book, and what was done with it.",
        parameters=[EntriesQuery, TOTAL_COUNT, LINK],
        responses={200: EntryOutput(many=True)},
    )
    def entries(self, request: Request, import_id: str) -> Response:
        found = self.imports().by_id(self.import_id())
        query = EntriesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        status = query.validated_data.pop("status", "")
        entries = ImportEntry.objects.of(found.pk).with_status(status)
        paginator = SkipLimitPagination(**query.validated_data, size="size")
        paginator.parameters = ("status",)
        paginator.total = entries.count()
        page = paginator.paginate_queryset(entries.order_by("number"), request, self)
        return paginator.get_paginated_response(EntryOutput(page, many=True).data)

    @extend_schema(
        operation_id="applyImport",
        summary="Write what an import holds",
        description="Begins the step; its progress is in the import. What the account's quota stopped goes on.",
        request=ApplyInput,
        responses={202: ImportOutput, 409: Problem},
    )
    def apply(self, request: Request, import_id: str) -> Response:
        serializer = ApplyInput(data=request.data)
        with transaction.atomic():
            found = self.imports().locked(self.import_id())
            serializer.is_valid(raise_exception=True)
            found.begin_applying(serializer.validated_data["policy"])
        return Response(ImportOutput(found).data, 202)

    @extend_schema(
        operation_id="undoImport",
        summary="Take back what an import wrote",
        description="Begins the step. A contact that was changed since is a conflict and stays as it is.",
        request=None,
        responses={202: ImportOutput, 409: Problem},
    )
    def undo(self, request: Request, import_id: str) -> Response:
        with transaction.atomic():
            found = self.imports().locked(self.import_id())
            found.begin_undoing()
        return Response(ImportOutput(found).data, 202)

    @extend_schema(
        operation_id="deleteImport",
        summary="Forget an import",
        description="Deletes the file and the report. The contacts stay.",
        responses={204: None, 409: Problem},
    )
    def destroy(self, request: Request, import_id: str) -> HttpResponse:
        self.imports().forget(self.user.pk, self.import_id())
        return Response(status=204)
