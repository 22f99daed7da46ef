from django.urls import re_path

from accounts.api.auth import AuthViewSet, EmailViewSet, LoginViewSet, RefreshViewSet
from accounts.api.me import LogoutViewSet, MeViewSet, PasswordViewSet, SessionsViewSet

urlpatterns = [
    re_path(r"^auth/signup/?\Z", AuthViewSet.as_view({"post": "signup"}), name="signup"),
    re_path(
        r"^email/confirm/(?P<email_token>[^/]+)/?\Z",
        EmailViewSet.as_view({"get": "confirm", "head": "check", "post": "confirm_from_page"}),
        name="confirm_email",
    ),
    re_path(r"^auth/login/?\Z", LoginViewSet.as_view({"post": "login"}), name="login"),
    re_path(r"^auth/refresh_token/?\Z", RefreshViewSet.as_view({"get": "refresh_token"}), name="refresh_token"),
    re_path(r"^auth/logout/?\Z", LogoutViewSet.as_view({"post": "logout"}), name="logout"),
    re_path(r"^auth/request_email/?\Z", AuthViewSet.as_view({"post": "request_email"}), name="request_email"),
    re_path(r"^auth/reset_pwd/?\Z", AuthViewSet.as_view({"post": "reset_pwd"}), name="reset_pwd"),
    re_path(r"^me/?\Z", MeViewSet.as_view({"get": "retrieve", "patch": "update", "delete": "close"}), name="me"),
    re_path(r"^me/password/?\Z", PasswordViewSet.as_view({"post": "change"}), name="me_password"),
    re_path(r"^me/sessions/?\Z", SessionsViewSet.as_view({"get": "list"}), name="me_sessions"),
    re_path(
        r"^me/sessions/(?P<session_id>[^/]+)/?\Z",
        SessionsViewSet.as_view({"delete": "end"}),
        name="me_session",
    ),
]
