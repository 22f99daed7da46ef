"""Reports to Sentry, where SENTRY_DSN is set: which error, where in our source, on which route.

Nothing that people wrote goes there. Imported only then, since the library takes a third of a second.
"""

from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

from contactbook.observability import request_context as current
from contactbook.observability.logging import named

KEPT = {
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
        before_send=scrubbed,
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
    ignore_logger("django.security.*")  # whoever asks by a wrong name is no error of ours


def scrubbed(event: Any, hint: dict[str, Any]) -> Any:
    """What is known to be harmless, rather than all but what is known to be harmful."""
    kept = {name: value for name, value in event.items() if name in KEPT}
    for each in (kept.get("exception") or {}).get("values") or []:
        each["value"] = ""  # the text may be a row of a table, or what somebody typed
        each.pop("mechanism", None)
        for frame in (each.get("stacktrace") or {}).get("frames") or []:
            frame.pop("vars", None)
    if "logentry" in kept:
        kept["logentry"] = {"message": template(hint)}
    asked = current.request.get()
    if asked is not None:
        kept["transaction"] = current.route(asked)
        kept["request"] = {"method": asked.method, "url": settings.PUBLIC_URL + pattern(asked)}
        kept["tags"] = {"request_id": current.request_id(), "route": current.route(asked)}
    return kept


def template(hint: dict[str, Any]) -> str:
    """The line as it stands in the source, without what was put into it."""
    message = getattr(hint.get("log_record"), "msg", "")
    return named(message) if isinstance(message, BaseException) else str(message)


def pattern(asked: Any) -> str:
    match = asked.resolver_match
    return f"/{match.route}" if match else "/…"
