"""POST /api/undo."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import AppPassword
from contactbook.api.schema import IDEMPOTENCY_KEY, Problem
from contactbook.exceptions import InvalidValueError
from contacts import history
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.serializers.log import UndoInput, UndoOutput


@extend_schema(tags=["history"])
class UndoViewSet(ContactBookViewSet):
    limits = {"undo": "undo"}

    @extend_schema(
        operation_id="undo",
        summary="Undo one change, all changes since one, or those of one app password",
        description="Takes back one `change`, or everything that was done `since` one, in one transaction; the undo "
        "itself is a change and can be undone. With `dry_run` it only says what it would do. With `change`, a contact "
        "that was changed again since is a `conflict` and stays as it is. With `since`, later changes go too; "
        "with `app_password` beside it only what that one wrote, and a contact whose newest change is not its own is a "
        "`conflict`. "
        "404 if there is no such change, 422 for more than 1,000 contacts.",
        request=UndoInput,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: UndoOutput, 404: Problem},
    )
    @idempotent
    def undo(self, request: Request) -> Response:
        serializer = UndoInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        self.check_app_password(given.get("app_password"))
        with self.writing() as book:
            results = history.undo(book, history.plan(book, given), given["dry_run"])
        return Response({"dry_run": given["dry_run"], "results": results})

    def check_app_password(self, password_id: int | None) -> None:
        """Raise InvalidValueError unless it is the caller's, ended or not."""
        own = AppPassword.objects.for_user(self.user.pk)
        if password_id is not None and not own.filter(pk=password_id).exists():
            raise InvalidValueError("app_password", "There is no such app password.")
