"""Error reports to Sentry: the class of the error, the traceback and the route, without any user data.

wsgi.py imports this module only if SENTRY_DSN is set, because importing the library takes 0.3 seconds.
"""

from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

from contactbook.observability import request_context
from contactbook.observability.logging import class_name

ALLOWED = {
    "event_id", "timestamp", "platform", "level", "logger", "exception", "release", "environment", "server_name",
    "sdk", "fingerprint", "logentry", "type",
}  # fmt: skip


def start() -> None:
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        default_integrations=False,
        integrations=[
            DjangoIntegration(signals_spans=False),
            LoggingIntegration(level=None, sentry_logs_level=None),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        before_send=redacted,
        before_breadcrumb=lambda crumb, hint: None,
        max_breadcrumbs=0,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        send_client_reports=False,
        traces_sample_rate=None,
        environment=str(settings.PUBLIC_URL).partition("//")[2],
    )
    ignore_logger("django.security.*")  # a request with a wrong Host header is no error of this server


def redacted(event: Any, hint: dict[str, Any]) -> Any:
    """Return the event with allowed parts only, so that parts which a new version of the library adds are left out."""
    report = {name: value for name, value in event.items() if name in ALLOWED}
    for exception in (report.get("exception") or {}).get("values") or []:
        exception["value"] = ""  # it may contain a row of a table or user input
        exception.pop("mechanism", None)
        for frame in (exception.get("stacktrace") or {}).get("frames") or []:
            frame.pop("vars", None)
    if "logentry" in report:
        report["logentry"] = {"message": message_template(hint)}
    return report | request_fields()


def request_fields() -> dict[str, Any]:
    request = request_context.request.get()
    if request is None:
        return {}
    route = request_context.route_name(request)
    return {
        "transaction": route,
        "request": {"method": request.method, "url": settings.PUBLIC_URL + path_pattern(request)},
        "tags": {"request_id": request_context.request_id.get(), "route": route},
    }


def message_template(hint: dict[str, Any]) -> str:
    """Return the log message without its arguments."""
    message = getattr(hint.get("log_record"), "msg", "")
    return class_name(message) if isinstance(message, BaseException) else str(message)


def path_pattern(request: Any) -> str:
    match = request.resolver_match
    return f"/{match.route}" if match else "/…"
