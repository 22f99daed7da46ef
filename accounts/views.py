"""Signing up, logging in, and the links in mails."""

from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api import APIViewSet, validated
from contactbook.errors import Invalid

from . import tokens
from .models import Letter, User
from .serializers import AddressInput, LoginInput, SignupInput, SignupOutput

SENT_IF_THERE = "If there is such an account, a mail is on its way."


class Open(APIViewSet):
    """Routes that ignore a Bearer token."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class AuthViewSet(Open):
    limits = {name: name for name in ("signup", "refresh_token", "request_email", "reset_pwd")}

    def signup(self, request: Request) -> Response:
        user = User.objects.signup(**validated(SignupInput, request.data))
        return Response(SignupOutput({"user": user}).data, status=201)

    def refresh_token(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Send the refresh token as Authorization: Bearer …")
        return Response(tokens.rotate(token.strip()))

    def request_email(self, request: Request) -> Response:
        Letter.objects.queue(Letter.Kind.CONFIRM, validated(AddressInput, request.data)["email"])
        return Response(SENT_IF_THERE)

    def reset_pwd(self, request: Request) -> Response:
        Letter.objects.queue(Letter.Kind.RESET, validated(AddressInput, request.data)["email"])
        return Response(SENT_IF_THERE)


class LoginViewSet(Open):
    limits = {"login": "login"}
    parser_classes = [FormParser, MultiPartParser]

    def login(self, request: Request) -> Response:
        form = validated(LoginInput, request.data)
        user = authenticate(request._request, username=form["username"], password=form["password"])
        if not isinstance(user, User):
            raise AuthenticationFailed("Wrong address or password")
        if not user.confirmed_at:
            raise AuthenticationFailed("Email not confirmed")
        return Response(tokens.begin_session(user, request.headers.get("User-Agent", "")))


class EmailViewSet(Open):
    """The link in the confirmation mail. A browser gets a page whose button confirms, so that a scanner's visit does not."""

    limits = {name: "confirm_email" for name in ("confirm", "look", "press")}
    parser_classes = [FormParser, MultiPartParser]

    def confirm(self, request: Request, email_token: str) -> HttpResponse:
        user = tokens.user_behind_confirm(email_token)
        if prefers_html(request):
            return confirm_page(request, user)
        if user is None:
            raise Invalid("path", {"email_token": ["The link is not valid, or no longer."]})
        return Response("Email confirmed" if user.confirm() else "Your email is already confirmed")

    def look(self, request: Request, email_token: str) -> HttpResponse:
        """HEAD: whether the link is good; nothing is confirmed."""
        if tokens.user_behind_confirm(email_token) is None:
            raise Invalid("path", {"email_token": ["The link is not valid, or no longer."]})
        return Response()

    def press(self, request: Request, email_token: str) -> HttpResponse:
        """POST: the page's button."""
        user = tokens.user_behind_confirm(email_token)
        if user:
            user.confirm()
        return confirm_page(request, user, pressed=True)


def prefers_html(request: Request) -> bool:
    accepted = request._request.get_preferred_type(["application/json", "text/html"])
    return accepted == "text/html"


def confirm_page(request: Request, user: User | None, pressed: bool = False) -> HttpResponse:
    context = {"user": user, "pressed": pressed}
    return render(request._request, "confirm.html", context, status=200 if user else 422)
