"""The caller's account: /api/me, its password and sessions, and logging out."""

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import tokens
from accounts.models import Session, SessionQuerySet, TokenUser, User
from accounts.serializers import (
    ChangePasswordInput,
    ClosedOutput,
    MeInput,
    MeOutput,
    PairOutput,
    PasswordInput,
    SessionOutput,
    SessionPath,
    password_faults,
)
from contactbook.api.exceptions import Invalid
from contactbook.api.schema import Problem, sentence
from contactbook.api.viewsets import APIViewSet

LOGGED_OUT = "Logged out"
WRONG = ErrorDetail("This is not the account's password.", "wrong_password")


class AccountViewSet(APIViewSet):
    """The base of views of the caller's own rows."""

    @property
    def user(self) -> TokenUser:
        user: Any = self.request.user
        return user

    def account(self) -> User:
        user = User.objects.filter(pk=self.user.pk).first()
        if user is None:
            raise AuthenticationFailed("The session has ended.")
        return user

    def account_with_password(self, password: str) -> User | None:
        """Return the account if the password is right; a wrong one is counted as at the login."""
        user = authenticate(self.request._request, username=self.account().email, password=password)
        return user if isinstance(user, User) else None

    def sessions(self) -> SessionQuerySet:
        return Session.objects.live_of(self.user.pk)


class LogoutViewSet(AccountViewSet):
    limits = {"logout": "logout"}

    @extend_schema(
        operation_id="logout",
        summary="Log out",
        description="Ends the session of the access token: it and the refresh token are not valid any more. Other "
        "sessions stay open.",
        request=None,
        responses={200: sentence(LOGGED_OUT)},
    )
    def logout(self, request: Request) -> Response:
        self.sessions().end(self.user.session_id)
        return Response(LOGGED_OUT)


class MeViewSet(AccountViewSet):
    limits = {"retrieve": "me", "update": "me_update", "close": "me_delete"}

    @extend_schema(
        operation_id="showAccount",
        summary="Show your account",
        description="Returns the account that the access token belongs to.",
        responses={200: MeOutput},
    )
    def retrieve(self, request: Request) -> Response:
        return Response(MeOutput(self.account()).data)

    @extend_schema(
        operation_id="changeAccount",
        summary="Change your account",
        description="Changes the settings that the body has, and no others: a JSON Merge Patch (RFC 7396). The address "
        "cannot be changed.",
        request=MeInput,
        responses={200: MeOutput},
    )
    def update(self, request: Request) -> Response:
        serializer = MeInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(MeOutput(self.account().change(serializer.validated_data)).data)

    @extend_schema(
        operation_id="closeAccount",
        summary="Close your account",
        description="Closes the account and ends every session. Everything is deleted after 30 days; until then a "
        "login opens the account again. 403 for staff, 422 for a wrong password.",
        request=PasswordInput,
        responses={200: ClosedOutput, 403: Problem},
    )
    def close(self, request: Request) -> Response:
        serializer = PasswordInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = self.account_with_password(serializer.validated_data["password"])
        if user is None:
            raise Invalid("body", {"password": [WRONG]})
        if user.is_staff:  # the deletion would delete their LogEntries too
            raise PermissionDenied("Staff cannot close their accounts: have those rights taken away first.")
        user.close()
        return Response(ClosedOutput(user).data)


class PasswordViewSet(AccountViewSet):
    limits = {"change": "me_password"}

    @extend_schema(
        operation_id="changePassword",
        summary="Set a new password",
        description="Sets a new password, ends every session, and returns the first pair of tokens of a new one. "
        "422 for a wrong old password, which counts like one at the login, and for a weak new one.",
        request=ChangePasswordInput,
        responses={200: PairOutput},
    )
    def change(self, request: Request) -> Response:
        serializer = ChangePasswordInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        old, new = serializer.validated_data["old"], serializer.validated_data["new"]
        user = self.account_with_password(old)
        faults: dict[str, Any] = {} if user else {"old": [WRONG]}
        if new_faults := password_faults(new, user or self.account()):
            faults["new"] = new_faults
        if faults or not user:
            raise Invalid("body", faults)
        user.change_password(new)
        return Response(tokens.begin_session(user, request.headers.get("User-Agent", "")))


class SessionsViewSet(AccountViewSet):
    limits = {"list": "me_sessions", "end": "me_session_end"}

    @extend_schema(
        operation_id="listSessions",
        summary="List your open sessions, newest use first",
        description="Returns the sessions that are open. Each login begins one; it ends by `logout`, by "
        "`endSession`, with a new password, and 7 days after the last refresh of its tokens.",
        responses={200: SessionOutput(many=True)},
    )
    def list(self, request: Request) -> Response:
        return self.representation(self.sessions().order_by("-last_used_at", "-id"), many=True)

    @extend_schema(
        operation_id="endSession",
        summary="End one of your sessions",
        description="Ends a session at once: its access token and its refresh token are not valid any more. Returns "
        "the session as it was. 404 if it is not open.",
        responses={200: SessionOutput},
    )
    def end(self, request: Request, session_id: str) -> Response:
        path = SessionPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        return self.representation(self.sessions().end_one(path.validated_data["session_id"]))

    def representation(self, sessions: Any, many: bool = False) -> Response:
        context = {"current": self.user.session_id}
        return Response(SessionOutput(sessions, many=many, context=context).data)
