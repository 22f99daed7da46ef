"""/api/me/app_passwords: the app passwords of the caller. contacts/carddav/authentication.py checks them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import AppPassword, AppPasswordQuerySet
from contactbook.api.schema import Problem
from contacts.api.base import ContactBookViewSet
from contacts.models import Change
from contacts.serializers.app_passwords import (
    AppPasswordInput,
    AppPasswordOutput,
    AppPasswordPath,
    IssuedAppPasswordOutput,
)


class AppPasswordsViewSet(ContactBookViewSet):
    """The passwords of address book programs. The view is in this app, since the list counts changes of contacts."""

    limits = {"list": "app_passwords_list", "create": "app_passwords_create", "end": "app_passwords_delete"}
    cache_control = "no-store"

    def app_passwords(self) -> AppPasswordQuerySet:
        return AppPassword.objects.for_user(self.user.pk)

    @extend_schema(
        operation_id="listAppPasswords",
        summary="List your app passwords",
        description="Newest first, without the passwords themselves and without those that were ended.",
        responses={200: AppPasswordOutput(many=True)},
    )
    def list(self, request: Request) -> Response:
        rows: list[Any] = [*self.app_passwords().live().order_by("-id")]
        counts = Change.objects.for_user(self.user.pk).count_by_app_password()
        for row in rows:
            row.changes = counts.get(row.pk, 0)
        return Response(AppPasswordOutput(rows, many=True).data)

    @extend_schema(
        operation_id="createAppPassword",
        summary="Make an app password",
        description="A program logs in with it by HTTP Basic at /dav/, together with your e-mail address. At most 100.",
        request=AppPasswordInput,
        responses={201: IssuedAppPasswordOutput, 409: Problem},
    )
    def create(self, request: Request) -> Response:
        serializer = AppPasswordInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        issued, password = AppPassword.objects.issue(self.user.pk, **serializer.validated_data)
        return Response(IssuedAppPasswordOutput(issued, context={"password": password}).data, 201)

    @extend_schema(
        operation_id="endAppPassword",
        summary="End an app password",
        description="The program that has it is refused from its next request on. What it wrote stays.",
        responses={204: None},
    )
    def end(self, request: Request, password_id: str) -> Response:
        path = AppPasswordPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        self.app_passwords().end_one(path.validated_data["password_id"])
        return Response(status=204)
