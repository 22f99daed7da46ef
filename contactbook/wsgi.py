"""What gunicorn serves. Where this is loaded, a process begins to serve, and so also to send letters."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")
if settings.SENTRY_DSN:
    from contactbook import sentry

    sentry.start()
application = get_wsgi_application()

from accounts.delivery import start  # noqa: E402 - needs the apps

start()
