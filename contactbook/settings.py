"""Django's settings. Every variable of the environment is read once, by contactbook/env/.

Without any variable the product runs on SQLite in one process and prints e-mails on the terminal. An invalid value
ends the start with one sentence.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from contactbook.api.introduction import INTRODUCTION, TAGS
from contactbook.env import Configuration, ConfigurationError
from contactbook.env.var_dir import make_folder, stored_secret_key

try:
    env = Configuration(os.environ)
    VAR_DIR = make_folder(env.var_dir)
    SECRET_KEY = env.secret_key or stored_secret_key(VAR_DIR)
except ConfigurationError as error:
    sys.exit(f"contactbook: {error}")

BASE_DIR = Path(__file__).resolve().parent.parent
RELEASE = "1.0.0"
DEBUG = env.debug
SECRET_KEY_FALLBACKS = env.secret_key_fallbacks

# Addresses
HOST, PORT, WEB_CONCURRENCY = env.host, env.port, env.web_concurrency
THREADS = max(4, min(16, 80 // WEB_CONCURRENCY))  # of a process, each with a connection; PostgreSQL allows 100
PUBLIC_URL = env.public_url
ALLOWED_HOSTS = env.allowed_hosts
TRUSTED_PROXIES = env.trusted_proxies
CORS_ALLOWED_ORIGINS = env.cors_allowed_origins

# Database
DATABASE_URL = env.database_url
DATABASES: dict[str, Any] = {
    "default": env.postgresql
    or {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR_DIR / "contactbook.sqlite3",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # A deferred transaction that reads and then writes fails at once, whatever the timeout.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-256",  # KB each
        },
        "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Caches: in Redis `default` has the counters of the limits; `responses` has the cached responses, which may be evicted
REDIS_URL, CACHE_URL = env.redis_url, env.cache_url or env.redis_url
REDIS: dict[str, Any] = {
    "BACKEND": "django_redis.cache.RedisCache",
    "KEY_PREFIX": env.redis_prefix,
    "OPTIONS": {
        "REDIS_CLIENT_CLASS": "contactbook.cache.circuit_breaker.Redis",
        # With pickle, write access to Redis would be code execution here.
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        # Seconds. A pool that is made from a URL, as django-redis makes it, has no retries.
        "SOCKET_CONNECT_TIMEOUT": 0.2,
        "SOCKET_TIMEOUT": 0.2,
    },
}
LOCAL_MEMORY: dict[str, Any] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
if REDIS_URL:
    CACHES: dict[str, Any] = {
        "default": {**REDIS, "LOCATION": REDIS_URL, "TIMEOUT": 60},
        "responses": {**REDIS, "LOCATION": CACHE_URL, "TIMEOUT": 600},
    }
else:
    CACHES = {
        # It has no counters: without Redis each process counts the limits by itself (contactbook/cache/rate_limit.py).
        "default": {**LOCAL_MEMORY, "LOCATION": "default", "TIMEOUT": 60},
        "responses": {**LOCAL_MEMORY, "LOCATION": "responses", "TIMEOUT": 600, "OPTIONS": {"MAX_ENTRIES": 256}},
    }

# Limits
RATE_LIMITS = env.rate_limits
HISTORY_DAYS = env.history_days  # the contents of changes are erased after it, the changes themselves never
ACCOUNT_QUOTA = env.account_quota  # bytes of one account, or None

# Mail
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.default_from_email
EMAIL_BACKEND = env.mail.backend
EMAIL_HOST, EMAIL_PORT = env.mail.host, env.mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.mail.user, env.mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = env.mail.use_tls, env.mail.use_ssl
EMAIL_FILE_PATH = env.mail.folder or VAR_DIR / "mail"
EMAIL_TIMEOUT = 30  # seconds for each step; only the background delivery waits (LEASE in accounts/models/email.py)
ANYMAIL = env.anymail

# Avatars
CLOUDINARY_URL = env.cloudinary_url
MEDIA_ROOT = VAR_DIR / "media"
LOCAL_AVATARS = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": MEDIA_ROOT / "avatars", "base_url": "/media/avatars/"},
}
CLOUDINARY_AVATARS = {"BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage", "OPTIONS": {"url": CLOUDINARY_URL}}
STORAGES: dict[str, Any] = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "avatars": CLOUDINARY_AVATARS if CLOUDINARY_URL else LOCAL_AVATARS,
}

# Django
ROOT_URLCONF = "contactbook.urls"
WSGI_APPLICATION, APPEND_SLASH = "contactbook.wsgi.application", False
INSTALLED_APPS = [
    "accounts",
    "contacts",
    "contactbook.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "anymail",
]
MIDDLEWARE = [
    "contactbook.observability.middleware.RequestMonitoringMiddleware",  # outermost: it counts every response
    "contactbook.http.middleware.utf8_forms",
    # These come before SecurityMiddleware and CommonMiddleware, whose redirects and refusals need their headers too.
    "contactbook.http.middleware.JSONErrorMiddleware",
    "contactbook.http.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "contactbook.observability.middleware.answer_scrapes",
    "django.middleware.security.SecurityMiddleware",
    "contactbook.http.middleware.require_whole_body",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True  # static files are served from the source folders, without collectstatic
WHITENOISE_AUTOREFRESH = False
TIME_ZONE, USE_I18N = "UTC", False

# Limits of a request, in bytes and fields; the limit of a picture is in contacts/avatars/image.py
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "contactbook.api.parsers.UploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FIELDS, DATA_UPLOAD_MAX_NUMBER_FILES = 200, 5

# Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.PasswordBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
PASSWORD_HASHERS = ["accounts.hashers.Argon2PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=7)
CONFIRM_LINK_LIFETIME = timedelta(days=7)
RESET_LINK_LIFETIME = timedelta(hours=1)
REFRESH_GRACE = timedelta(seconds=10)

# Transport and browser security
SECURE_SSL_REDIRECT = env.https
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if env.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS, SECURE_HSTS_PRELOAD = env.hsts_include_subdomains, env.hsts_preload
# W004 of auth: `email_key` is unique, not `email`. W005 and W021: other hosts of the domain may not have https.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.https
if env.https:  # browsers accept cookies with this prefix only from this host and over https
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_AGE = 12 * 3600
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie for messages
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DENIED_FEATURES = (  # the pages need none of them
    "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope hid idle-detection "
    "magnetometer microphone midi payment picture-in-picture publickey-credentials-create publickey-credentials-get "
    "screen-wake-lock serial usb xr-spatial-tracking"
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in DENIED_FEATURES.split())
CORS_EXPOSE_HEADERS = [
    "ETag", "Link", "Location", "Retry-After", "X-Total-Count",
    "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID",
]  # fmt: skip
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match"]

# REST framework
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["contactbook.api.throttling.RouteThrottle"],
    "DEFAULT_PARSER_CLASSES": ["contactbook.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["contactbook.api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "contactbook.api.parsers.JSONContentNegotiation",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "contactbook.api.exceptions.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "contactbook.api.schema.AutoSchema",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Contact book",
    "DESCRIPTION": INTRODUCTION,
    "VERSION": RELEASE,
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api",
    "SERVE_AUTHENTICATION": [],
    "SORT_OPERATIONS": False,  # as in the URL patterns
    "SERVERS": [{"url": PUBLIC_URL, "description": "This server."}],
    "CONTACT": {"name": "The operator of this server", "url": PUBLIC_URL},
    "LICENSE": {"name": "All rights reserved", "identifier": "LicenseRef-All-rights-reserved"},
    "TAGS": TAGS,
    "PREPROCESSING_HOOKS": ["contactbook.api.schema.contract_paths"],
    "POSTPROCESSING_HOOKS": [
        "contactbook.api.schema.add_components",
        "contactbook.api.schema.simplify",
    ],
    "COMPONENT_SPLIT_PATCH": False,  # the serializers of PATCH declare what is required
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATION_PARAMETERS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "displayRequestDuration": True},
}

# Observability
LOG_FORMAT, LOG_REQUESTS, METRICS_NETWORKS = env.log_format, env.log_requests, env.metrics_networks
SENTRY_DSN = env.sentry_dsn

# Logs go to standard error. They name the route and never the path, which may have a token (observability/logging.py).
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "contactbook.observability.logging.LineFormatter"},
        "json": {"()": "contactbook.observability.logging.JSONLogFormatter"},
    },
    "filters": {"safe": {"()": "contactbook.observability.logging.RedactingFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["safe"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "INFO"},
        "django.server": {"handlers": [], "propagate": True},
        # Its lines for 4xx responses have the path, and with it the secret of a link.
        "django.request": {"level": "ERROR"},
        "gunicorn.error": {"handlers": [], "propagate": True, "level": "WARNING"},
    },
}
