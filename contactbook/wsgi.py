"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")
if settings.SENTRY_DSN:
    from contactbook.observability import sentry

    sentry.start()
django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request. HTTP/1.1 without Host is a 400, as an empty Host is (RFC 9112 §3.2).

    Django alone would take the server's name for it.
    """
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        environ.setdefault("HTTP_HOST", "")
    answer: Iterable[bytes] = django_application(environ, start_response)
    return answer
