from django.urls import re_path

from .views import AuthViewSet, EmailViewSet, LoginViewSet

urlpatterns = [
    re_path(r"^auth/signup/?\Z", AuthViewSet.as_view({"post": "signup"}), name="signup"),
    re_path(r"^auth/login/?\Z", LoginViewSet.as_view({"post": "login"}), name="login"),
    re_path(r"^auth/refresh_token/?\Z", AuthViewSet.as_view({"get": "refresh_token"}), name="refresh_token"),
    re_path(r"^auth/request_email/?\Z", AuthViewSet.as_view({"post": "request_email"}), name="request_email"),
    re_path(r"^auth/reset_pwd/?\Z", AuthViewSet.as_view({"post": "reset_pwd"}), name="reset_pwd"),
    re_path(
        r"^email/confirm/(?P<email_token>[^/]+)/?\Z",
        EmailViewSet.as_view({"get": "confirm", "head": "look", "post": "press"}),
        name="confirm_email",
    ),
]
