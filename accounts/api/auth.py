"""Signing up, logging in, and the links in mails."""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import tokens
from accounts.authentication import RefreshAuthentication
from accounts.models import Letter, User
from accounts.serializers import (
    AddressInput,
    ConfirmPath,
    LoginInput,
    PairOutput,
    SignupInput,
    SignupOutput,
)
from contactbook.api.exceptions import Invalid
from contactbook.api.schema import PAGES, documented
from contactbook.api.viewsets import APIViewSet, validated

SENT_IF_THERE = "If there is such an account, a mail is on its way."


class Open(APIViewSet):
    """Routes that ignore a Bearer token."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class AuthViewSet(Open):
    limits = {name: name for name in ("signup", "request_email", "reset_pwd")}

    @documented("signup", "Sign up", request=SignupInput, response=SignupOutput, status=201, errors=(409,))
    def signup(self, request: Request) -> Response:
        user = User.objects.signup(**validated(SignupInput, request.data))
        return Response(SignupOutput({"user": user}).data, status=201)

    @documented(
        "requestEmail",
        "Send the confirmation mail again",
        request=AddressInput,
        response=str,
        example=SENT_IF_THERE,
    )
    def request_email(self, request: Request) -> Response:
        Letter.objects.queue(Letter.Kind.CONFIRM, validated(AddressInput, request.data)["email"])
        return Response(SENT_IF_THERE)

    @documented(
        "resetPassword",
        "Send a link to set a new password",
        request=AddressInput,
        response=str,
        example=SENT_IF_THERE,
    )
    def reset_pwd(self, request: Request) -> Response:
        Letter.objects.queue(Letter.Kind.RESET, validated(AddressInput, request.data)["email"])
        return Response(SENT_IF_THERE)


class LoginViewSet(Open):
    limits = {"login": "login"}
    parser_classes = [FormParser, MultiPartParser]

    @documented("login", "Log in", request=LoginInput, response=PairOutput, errors=(401,))
    def login(self, request: Request) -> Response:
        form = validated(LoginInput, request.data)
        user = authenticate(request._request, username=form["username"], password=form["password"])
        if not isinstance(user, User):
            raise AuthenticationFailed("Wrong address or password")
        if not user.confirmed_at:
            raise AuthenticationFailed("Email not confirmed")
        return Response(tokens.begin_session(user, request.headers.get("User-Agent", "")))


class RefreshViewSet(APIViewSet):
    http_method_names = ["get"]  # a HEAD would use the token up and give nothing for it
    limits = {"refresh_token": "refresh_token"}
    authentication_classes = [RefreshAuthentication]

    @documented("refreshToken", "A new pair of tokens", response=PairOutput, security="refresh_token")
    def refresh_token(self, request: Request) -> Response:
        return Response(tokens.rotate(cast(tokens.Token, request.auth)))


class EmailViewSet(Open):
    """The link in the confirmation mail.

    A browser gets a page whose button confirms, so that a scanner's visit does not.
    """

    limits = dict.fromkeys(("confirm", "look", "press"), "confirm_email")
    parser_classes = [FormParser, MultiPartParser]

    @documented(
        "confirmEmail",
        "Confirm an address",
        path=ConfirmPath,
        response=str,
        example="Email confirmed",
        media=PAGES,
    )
    def confirm(self, request: Request, email_token: str) -> HttpResponse:
        user = tokens.user_behind_confirm(email_token)
        return confirm_page(request, user) if prefers_html(request) else confirmed(user)

    def look(self, request: Request, email_token: str) -> HttpResponse:
        """HEAD: whether the link is good; nothing is confirmed."""
        behind(tokens.user_behind_confirm(email_token))
        return Response()

    @documented(
        "pressConfirm",
        "The button of the page",
        path=ConfirmPath,
        response=str,
        example="Email confirmed",
        media=PAGES,
    )
    def press(self, request: Request, email_token: str) -> HttpResponse:
        """POST: the page's button; a program that posts is answered as one that gets."""
        user = tokens.user_behind_confirm(email_token)
        if not prefers_html(request):
            return confirmed(user)
        if user:
            user.confirm()
        return confirm_page(request, user, pressed=True)


def behind(user: User | None) -> User:
    if user is None:
        raise Invalid("path", {"email_token": ["The link is not valid, or no longer."]})
    return user


def confirmed(user: User | None) -> Response:
    return Response("Email confirmed" if behind(user).confirm() else "Your email is already confirmed")


def prefers_html(request: Request) -> bool:
    accepted = request._request.get_preferred_type(["application/json", "text/html"])
    return accepted == "text/html"


def confirm_page(request: Request, user: User | None, pressed: bool = False) -> HttpResponse:
    context = {"user": user, "pressed": pressed}
    return render(request._request, "confirm.html", context, status=200 if user else 422)
