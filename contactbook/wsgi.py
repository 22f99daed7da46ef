"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")
if settings.SENTRY_DSN:
    from contactbook.observability import sentry

    sentry.start()
application = get_wsgi_application()
