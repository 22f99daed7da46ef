"""Signing up, logging in, and the links in mails: /api/auth/… and /api/email/…"""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import tokens
from accounts.authentication import RefreshAuthentication
from accounts.models import OutgoingEmail, User
from accounts.serializers import AddressInput, ConfirmPath, LoginInput, PairOutput, SignupInput, SignupOutput
from contactbook.api.exceptions import Invalid
from contactbook.api.schema import Problem, html_or_json, path_variable, sentence
from contactbook.api.viewsets import APIViewSet, PublicViewSet

SENT_IF_KNOWN = "If there is such an account, a mail is on its way."


class AuthViewSet(PublicViewSet):
    limits = {name: name for name in ("signup", "request_email", "reset_pwd")}

    @extend_schema(
        operation_id="signup",
        summary="Sign up",
        description="Makes an account and sends a mail with a link to confirm the address. Until it is confirmed, "
        "`login` is a 401. 409 if there is an account with this address, 422 for a weak password.",
        request=SignupInput,
        responses={201: SignupOutput, 409: Problem},
    )
    def signup(self, request: Request) -> Response:
        serializer = SignupInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = User.objects.signup(**serializer.validated_data)
        return Response(SignupOutput({"user": user}).data, status=201)

    @extend_schema(
        operation_id="requestEmail",
        summary="Send the confirmation mail again",
        description="Sends a new confirmation mail if there is an account with this address that is not "
        "confirmed. The answer is the same for every address, so that nobody learns who has an account. "
        "At most three such mails an hour go to one address.",
        request=AddressInput,
        responses={200: sentence(SENT_IF_KNOWN)},
    )
    def request_email(self, request: Request) -> Response:
        return self.queue(OutgoingEmail.Kind.CONFIRM, request)

    @extend_schema(
        operation_id="resetPassword",
        summary="Send a link to set a new password",
        description="Sends a mail with a link to a page that sets a new password, which ends every session. The link "
        "works once, for an hour. The answer is the same for every address. At most three such mails an hour go to "
        "one address.",
        request=AddressInput,
        responses={200: sentence(SENT_IF_KNOWN)},
    )
    def reset_pwd(self, request: Request) -> Response:
        return self.queue(OutgoingEmail.Kind.RESET, request)

    def queue(self, kind: str, request: Request) -> Response:
        serializer = AddressInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        OutgoingEmail.objects.queue(kind, serializer.validated_data["email"])
        return Response(SENT_IF_KNOWN)


class LoginViewSet(PublicViewSet):
    limits = {"login": "login"}
    parser_classes = [FormParser, MultiPartParser]

    @extend_schema(
        operation_id="login",
        summary="Log in",
        description="Begins a session and returns its first pair of tokens. The body is a form, OAuth2's password "
        "grant, and `username` is the e-mail address. 401 for a wrong address or password, and until the address is "
        "confirmed. 429 after too many wrong passwords for one account. A closed account is opened again.",
        request=LoginInput,
        responses={200: PairOutput, 401: Problem},
    )
    def login(self, request: Request) -> Response:
        form = LoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        user = authenticate(request._request, username=given["username"], password=given["password"])
        if not isinstance(user, User):
            raise AuthenticationFailed("Wrong address or password")
        if not user.confirmed_at:
            raise AuthenticationFailed("Email not confirmed")
        return Response(tokens.begin_session(user, request.headers.get("User-Agent", "")))


class RefreshViewSet(APIViewSet):
    http_method_names = ["get"]  # a HEAD would use up the token and return no new one
    limits = {"refresh_token": "refresh_token"}
    authentication_classes = [RefreshAuthentication]

    @extend_schema(
        operation_id="refreshToken",
        summary="Get a new pair of tokens",
        description="Returns the next pair of the session; authorize with the refresh token. A refresh token "
        "works once; for 10 seconds more it returns the same pair, so that a lost answer can be repeated. "
        "A token that comes back later ends the session, since it may be stolen. 401 means: log in.",
        responses={200: PairOutput},
    )
    def refresh_token(self, request: Request) -> Response:
        return Response(tokens.rotate(cast(tokens.Token, request.auth)))


@extend_schema(tags=["auth"])
class EmailViewSet(PublicViewSet):
    """The link in the confirmation mail.

    A browser gets a page whose button confirms, so that the visit of a mail scanner does not.
    """

    limits = dict.fromkeys(("confirm", "check", "confirm_from_page"), "confirm_email")
    parser_classes = [FormParser, MultiPartParser]

    @extend_schema(
        operation_id="confirmEmail",
        summary="Confirm an address",
        description="Confirms the address of an account. The mail has this link. A browser gets a page with a button, "
        "so that a mail scanner that follows links confirms nothing; a program gets JSON, and the address is "
        "confirmed. 422 for a link that is not valid, or older than 7 days.",
        parameters=[path_variable("email_token", ConfirmPath)],
        responses=html_or_json("Email confirmed"),
    )
    def confirm(self, request: Request, email_token: str) -> HttpResponse:
        user = tokens.user_of_confirm_link(email_token)
        return confirm_page(request, user) if prefers_html(request) else confirm_address(user)

    def check(self, request: Request, email_token: str) -> HttpResponse:
        """Answer HEAD: whether the link is valid. Nothing is confirmed."""
        require(tokens.user_of_confirm_link(email_token))
        return Response()

    @extend_schema(
        operation_id="confirmEmailFromPage",
        summary="Confirm from the browser page",
        description="Confirms the address of an account; the button of the page sends it. A program gets the same "
        "answer as with `confirmEmail`.",
        request=None,
        parameters=[path_variable("email_token", ConfirmPath)],
        responses=html_or_json("Email confirmed"),
    )
    def confirm_from_page(self, request: Request, email_token: str) -> HttpResponse:
        """Answer POST, which the button of the page sends; a program gets the same answer as for GET."""
        user = tokens.user_of_confirm_link(email_token)
        if not prefers_html(request):
            return confirm_address(user)
        if user:
            user.confirm()
        return confirm_page(request, user, confirmed=True)


def require(user: User | None) -> User:
    if user is None:
        raise Invalid("path", {"email_token": ["The link is not valid, or no longer."]})
    return user


def confirm_address(user: User | None) -> Response:
    return Response("Email confirmed" if require(user).confirm() else "Your email is already confirmed")


def prefers_html(request: Request) -> bool:
    """Return whether Accept prefers text/html to JSON, whatever parameters it gives them."""
    return preference(request, "text", "html") > preference(request, "application", "json")


def preference(request: Request, main_type: str, sub_type: str) -> tuple[float, int]:
    """Return the quality of the most specific entry of Accept that fits the type, and how specific that is."""
    fitting = [
        ((accepted.main_type != "*") + (accepted.sub_type != "*"), float(accepted.quality))
        for accepted in request._request.accepted_types
        if accepted.main_type in ("*", main_type) and accepted.sub_type in ("*", sub_type)
    ]
    specificity, quality = max(fitting, default=(0, 0.0))
    return quality, specificity


def confirm_page(request: Request, user: User | None, confirmed: bool = False) -> HttpResponse:
    context: dict[str, Any] = {"user": user, "confirmed": confirmed}
    return render(request._request, "confirm.html", context, status=200 if user else 422)
