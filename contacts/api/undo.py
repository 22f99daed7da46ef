"""POST /api/undo."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.schema import IDEMPOTENCY_KEY, Problem
from contacts import history
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.serializers.log import UndoInput, UndoOutput


class UndoViewSet(ContactBookViewSet):
    limits = {"undo": "undo"}

    @extend_schema(
        operation_id="undo",
        summary="Undo one change, or all changes since one",
        request=UndoInput,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: UndoOutput, 404: Problem},
    )
    @idempotent
    def undo(self, request: Request) -> Response:
        serializer = UndoInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with self.writing() as book:
            results = history.undo(book, history.plan(book, given), given["dry_run"])
        return Response({"dry_run": given["dry_run"], "results": results})
