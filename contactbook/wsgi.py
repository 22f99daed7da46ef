"""What gunicorn serves. Where this is loaded, a process begins to serve, and so also to send letters."""

import os

from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")
if settings.SENTRY_DSN:
    from contactbook.observability import sentry

    sentry.start()
# Connections are looked at when a request begins; to do so at its end, too, and to forget statements that only DEBUG
# remembers, would take a twentieth of an answer from the cache.
request_finished.disconnect(close_old_connections)
request_finished.disconnect(close_caches)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)
application = get_wsgi_application()

from accounts.mail.delivery import start  # noqa: E402 - needs the apps

start()
