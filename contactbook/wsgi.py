"""The WSGI application that gunicorn serves."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")
if settings.SENTRY_DSN:
    from contactbook.observability import sentry

    sentry.start()
django_application = get_wsgi_application()

DISCARDED, CHUNK = 64 * 1024 * 1024, 64 * 1024  # bytes of a refused body that are still read; nginx passes on 51 MB
SECONDS, SECONDS_WITHOUT_DATA = 30.0, 2.0  # for which a refused body is still read


class UploadResponse:
    """A response after which the rest of the request's body is read, if it was refused before (RFC 9112 §9.6).

    Else the connection is reset: a client that sends all of the body before it reads does not get the response, and
    nginx takes it for a failure of the server. gunicorn itself reads only 64 KB more.
    """

    def __init__(self, response: Any, environ: dict[str, Any]) -> None:
        self.response, self.body, self.connection = response, environ["wsgi.input"], environ["gunicorn.socket"]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.response)

    def close(self) -> None:
        """Called by the server when it has sent the response."""
        self.response.close()
        timeout, end = self.connection.gettimeout(), time.monotonic() + SECONDS
        with contextlib.suppress(OSError):
            self.connection.settimeout(SECONDS_WITHOUT_DATA)
            while self.body.read(CHUNK) and time.monotonic() < end:
                pass
            self.connection.settimeout(timeout)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request. HTTP/1.1 without Host is a 400, as an empty Host is (RFC 9112 §3.2).

    Django alone would take the server's name for it.
    """
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        environ.setdefault("HTTP_HOST", "")
    response = django_application(environ, start_response)
    length = environ.get("CONTENT_LENGTH") or "0"
    is_upload = length.isdecimal() and settings.DATA_UPLOAD_MAX_MEMORY_SIZE < int(length) <= DISCARDED
    return UploadResponse(response, environ) if is_upload and "gunicorn.socket" in environ else response
