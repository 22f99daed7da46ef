"""The security schemes of the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class AccountScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.BearerAuthentication"
    name = "account"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "oauth2",
            "description": "Log in with the e-mail address as username; requests then send the access token.",
            "flows": {"password": {"tokenUrl": "/api/auth/login", "scopes": {}}},
        }


class RefreshTokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.RefreshAuthentication"
    name = "refresh_token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The refresh token of the newest pair.",
        }
