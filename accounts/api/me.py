"""One's own account: who one is, the password, the sessions, and closing it."""

from typing import Any

from django.contrib.auth import authenticate
from django.http import Http404
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import tokens
from accounts.models import Caller, Session, SessionQuerySet, User
from accounts.serializers import (
    ClosedOutput,
    MeInput,
    MeOutput,
    NewPasswordInput,
    PairOutput,
    PasswordInput,
    SessionOutput,
    SessionPath,
    password_faults,
)
from contactbook.api.exceptions import Invalid
from contactbook.api.schema import documented
from contactbook.api.viewsets import APIViewSet, validated

LOGGED_OUT = "Logged out"
NO_SESSION = "Session was not found"
WRONG = ErrorDetail("This is not the account's password.", "wrong_password")


class Own(APIViewSet):
    """Views of the caller's own rows."""

    @property
    def caller(self) -> Caller:
        caller: Any = self.request.user
        return caller

    def account(self) -> User:
        user = User.objects.filter(pk=self.caller.pk).first()
        if user is None:
            raise AuthenticationFailed("The session has ended.")
        return user

    def proven(self, user: User, password: str) -> User | None:
        """The account, if that is its password; a wrong guess counts against it like one at the login."""
        proven = authenticate(self.request._request, username=user.email, password=password)
        return proven if isinstance(proven, User) else None

    def sessions(self) -> SessionQuerySet:
        return Session.objects.live_of(self.caller.pk)


class LogoutViewSet(Own):
    limits = {"logout": "logout"}

    @documented("logout", "End this session", response=str, example=LOGGED_OUT)
    def logout(self, request: Request) -> Response:
        self.sessions().end(self.caller.session_id)
        return Response(LOGGED_OUT)


class MeViewSet(Own):
    limits = {"show": "me", "update": "me_update", "close": "me_delete"}

    @documented("showAccount", "One's own account", response=MeOutput)
    def show(self, request: Request) -> Response:
        return Response(MeOutput(self.account()).data)

    @documented("changeAccount", "Change one's own account", request=MeInput, response=MeOutput)
    def update(self, request: Request) -> Response:
        values = validated(MeInput, request.data)
        user = self.account()
        for name, value in values.items():
            setattr(user, name, value)
        user.save(update_fields=values)
        return Response(MeOutput(user).data)

    @documented(
        "closeAccount",
        "Close one's own account",
        request=PasswordInput,
        response=ClosedOutput,
        errors=(403,),
        description="Ends every session. All is deleted after 30 days; until then, a login undoes it.",
    )
    def close(self, request: Request) -> Response:
        """Staff are told to be made ordinary first: the audit is theirs, too."""
        user = self.proven(self.account(), validated(PasswordInput, request.data)["password"])
        if user is None:
            raise Invalid("body", {"password": [WRONG]})
        if user.is_staff:
            raise PermissionDenied("Staff cannot close their accounts: have those rights taken away first.")
        user.close()
        return Response(ClosedOutput(user).data)


class PasswordViewSet(Own):
    limits = {"change": "me_password"}

    @documented(
        "changePassword",
        "Set a new password",
        request=NewPasswordInput,
        response=PairOutput,
        description="Ends every session, and answers with the first pair of a new one.",
    )
    def change(self, request: Request) -> Response:
        given = validated(NewPasswordInput, request.data)
        user = self.account()
        proven = self.proven(user, given["old"])
        faults: dict[str, Any] = {} if proven else {"old": [WRONG]}
        if against := password_faults(given["new"], user):
            faults["new"] = against
        if faults or not proven:
            raise Invalid("body", faults)
        proven.change_password(given["new"])
        return Response(tokens.begin_session(proven, request.headers.get("User-Agent", "")))


class SessionsViewSet(Own):
    limits = {"list": "me_sessions", "end": "me_session_end"}

    @documented("listSessions", "One's own open sessions, newest use first", response=[SessionOutput])
    def list(self, request: Request) -> Response:
        return self.shown(self.sessions().order_by("-last_used_at", "-id"), many=True)

    @documented("endSession", "End one of one's own sessions", path=SessionPath, response=SessionOutput)
    def end(self, request: Request, session_id: str) -> Response:
        asked = validated(SessionPath, self.kwargs, "path")
        session = self.sessions().end(asked["session_id"])
        if session is None:
            raise Http404(NO_SESSION)
        return self.shown(session)

    def shown(self, sessions: Any, many: bool = False) -> Response:
        context = {"current": self.caller.session_id}
        return Response(SessionOutput(sessions, many=many, context=context).data)
