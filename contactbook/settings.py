"""Configuration by environment alone: every variable is read here, once, and nowhere else.

An empty environment is the embedded stack (SQLite, one process, mails on the terminal). A value that
cannot be understood stops the start with one sentence, which never repeats the value of a secret.
"""

import contextlib
import ipaddress
import os
import re
import secrets
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

import dj_database_url
from environs import Env, EnvError, validate


def stop(sentence: str) -> NoReturn:
    sys.exit(f"contactbook: {sentence}")


env = Env()


def read(parse: Any, name: str, default: Any, meaning: str, **options: Any) -> Any:
    """The variable's typed value; set but empty counts as unset."""
    if not os.environ.get(name, "").strip():
        return default
    try:
        return parse(name, **options)
    except (EnvError, ValueError):
        stop(f"{name} must be {meaning}.")


BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(read(env.str, "VAR_DIR", str(BASE_DIR / "var"), "a folder")).absolute()
try:
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    stop(f"VAR_DIR must be a folder that can be written: {error.strerror}.")

# Where we are

HOST = read(env.str, "HOST", "127.0.0.1", "an address to listen on")
PORT = read(env.int, "PORT", 8000, "a port, 1 to 65535", validate=validate.Range(1, 65535))
WEB_CONCURRENCY = read(
    env.int, "WEB_CONCURRENCY", 1, "a number of processes, 1 to 512", validate=validate.Range(1, 512)
)
_own_name = "localhost" if HOST in ("0.0.0.0", "::", "*") else HOST  # noqa: S104 # nosec B104
PUBLIC_URL = read(
    env.str, "PUBLIC_URL", f"http://{f'[{_own_name}]' if ':' in _own_name else _own_name}:{PORT}", "a URL"
).rstrip("/")
try:
    _public = urlsplit(PUBLIC_URL)
    _public_is_right = _public.scheme in ("http", "https") and _public.hostname and _public.port != 0
except ValueError:
    _public_is_right = False
if not _public_is_right or _public.query or _public.fragment or _public.path or _public.username:
    stop("PUBLIC_URL must be an http or https URL with no path, such as https://contacts.example.org.")
HTTPS = _public.scheme == "https"

DEBUG = read(env.bool, "DEBUG", False, "true or false")
ALLOWED_HOSTS = read(env.list, "ALLOWED_HOSTS", None, "names separated by commas") or sorted(
    {"localhost", "127.0.0.1", "[::1]", socket.gethostname(), socket.getfqdn(), _own_name, str(_public.hostname)}
)
TRUSTED_PROXIES = read(env.int, "TRUSTED_PROXIES", 0, "a count, 0 to 10", validate=validate.Range(0, 10))
CORS_ALLOWED_ORIGINS = read(env.list, "CORS_ALLOWED_ORIGINS", [], "origins separated by commas")
for _origin in CORS_ALLOWED_ORIGINS:
    if not re.fullmatch(r"https?://[^/\s*]+", _origin):
        stop("CORS_ALLOWED_ORIGINS must be origins such as https://app.example.org, separated by commas.")

# Secrets

DATABASE_URL = read(env.str, "DATABASE_URL", "", "a URL")


def kept_secret_key() -> str:
    """The embedded stack's key: made once, kept in VAR_DIR, readable by its owner alone."""
    path, draft = VAR_DIR / "secret_key", VAR_DIR / f".secret_key.{os.getpid()}"
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):  # whoever links first has made it, whole
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


SECRET_KEY = read(env.str, "SECRET_KEY", "", "a long random text")
if not SECRET_KEY:
    if DATABASE_URL:
        stop("SECRET_KEY must be set where DATABASE_URL is, to a long random text that is kept.")
    SECRET_KEY = kept_secret_key()
if len(SECRET_KEY) < 16:
    stop("SECRET_KEY must be a long random text: 50 characters or more, never fewer than 16.")
SECRET_KEY_FALLBACKS = read(env.list, "SECRET_KEY_FALLBACKS", [], "texts separated by commas")

# Database


def postgresql(url: str) -> dict[str, Any]:
    """Also of a URL as libpq has it, with several hosts: the one that takes writes is used."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError
    login, at, places = parts.netloc.rpartition("@")
    hosts = [urlsplit(f"//{place}") for place in places.split(",")]
    url = parts._replace(netloc=f"{login}{at}{hosts[0].netloc}").geturl()
    database: dict[str, Any] = dict(
        dj_database_url.parse(url, engine="contactbook.db.postgresql", conn_max_age=None, conn_health_checks=True)
    )
    if len(hosts) > 1:
        if not all(host.hostname for host in hosts):
            raise ValueError
        database["HOST"] = ",".join(str(host.hostname) for host in hosts)
        database["PORT"] = ",".join(str(host.port or 5432) for host in hosts)
        database["OPTIONS"] = {"target_session_attrs": "read-write", **database.get("OPTIONS", {})}
    # What a working server bounds by itself; for a silent one see contactbook/db/postgresql/deadline.py.
    # A search among ten million contacts is thought dear enough to be compiled, which takes longer than it.
    bounds = "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=30000"
    database["OPTIONS"] = {
        "connect_timeout": 2,
        "options": f"{bounds} -c jit=off",
        **database.get("OPTIONS", {}),
    }
    database["DISABLE_SERVER_SIDE_CURSORS"] = True  # PgBouncer's transaction mode
    return database


if DATABASE_URL:
    try:
        DATABASES = {"default": postgresql(DATABASE_URL)}
    except (ValueError, KeyError):
        stop("DATABASE_URL must look like postgres://user:password@host:5432/name.")
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "contactbook.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                # A deferred transaction that reads and then writes fails at once, whatever the timeout.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
            },
            "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cache

REDIS_URL = read(env.str, "REDIS_URL", "", "a URL")
if REDIS_URL and urlsplit(REDIS_URL).scheme not in ("redis", "rediss", "unix"):
    stop("REDIS_URL must look like redis://host:6379/0.")
if WEB_CONCURRENCY > 1 and not REDIS_URL:
    stop("REDIS_URL must be set where WEB_CONCURRENCY is more than 1: limits are counted once over all processes.")
if REDIS_URL:
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": read(env.str, "REDIS_PREFIX", "contactbook", "a text before every key"),
            "TIMEOUT": 60,
            "OPTIONS": {
                "REDIS_CLIENT_CLASS": "contactbook.cache.circuit_breaker.Redis",
                # Pickle would make write access to Redis into code execution here.
                "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
                "SOCKET_CONNECT_TIMEOUT": 0.2,
                "SOCKET_TIMEOUT": 0.2,
            },
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "TIMEOUT": 60,
            # Eviction would erase the counters of django-ratelimit, which lifts a limit.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        },
    }

SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # the address is unique by its key, without regard to case
if not REDIS_URL:
    # django-ratelimit refuses a cache inside one process; here there is one process, and more refuse to start.
    SILENCED_SYSTEM_CHECKS += ["django_ratelimit.E003", "django_ratelimit.W001"]

# Limits: name -> (count, seconds); a count of 0 lifts the limit

RATE_LIMIT_DEFAULTS = {
    "signup": "2/m",
    "request_email": "2/m",
    "reset_pwd": "2/m",
    "login": "10/m",
    "refresh_token": "10/m",
    "confirm_email": "10/m",
    "contacts_create": "2/m",
    "contacts_list": "10/m",
    "contacts_birthdays": "10/m",
    "contacts_find": "10/m",
    "contacts_update": "10/m",
    "contacts_delete": "10/m",
    "contacts_avatar": "10/m",
    "contacts_patch": "10/m",
    "contacts_history": "10/m",
    "contacts_restore": "10/m",
    "contacts_trash": "10/m",
    "trash_restore": "10/m",
    "trash_purge": "10/m",
    "contacts_changes": "60/m",
    "contacts_batch": "10/m",
    "undo": "10/m",
    "groups_list": "10/m",
    "groups_create": "10/m",
    "groups_update": "10/m",
    "groups_delete": "10/m",
    "logout": "10/m",
    "me": "60/m",
    "me_update": "10/m",
    "me_password": "10/m",
    "me_sessions": "10/m",
    "me_session_end": "10/m",
    "me_export": "10/m",
    "me_delete": "10/m",
    "account_failures": "20/10m",
    "address_mails": "3/h",
    "pages": "30/m",
    "admin_login": "10/m",
}
# Days for which the contents of changes are kept; that there was a change is kept for ever
HISTORY_DAYS = read(env.int, "HISTORY_DAYS", 90, "a number of days, 1 to 36500", validate=validate.Range(1, 36500))

RATE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def rate(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"0|(\d{1,9})/([1-9]\d{0,4})?([smhd])", text, re.ASCII)
    if not match:
        stop(f"RATE_LIMITS: {text!r} must be 0 or a count and a time, such as 10/m or 20/10m (units s m h d).")
    count, span, unit = match.groups()
    return (int(count), int(span or 1) * RATE_UNITS[unit]) if count else (0, 1)


RATE_LIMITS = {name: rate(text) for name, text in RATE_LIMIT_DEFAULTS.items()}
for _entry in read(env.list, "RATE_LIMITS", [], "entries such as login=100/m, separated by commas"):
    _name, _, _rate = _entry.strip().partition("=")
    if _name != "*" and _name not in RATE_LIMITS:
        stop(f"RATE_LIMITS: there is no limit named {_name!r}; the names are {', '.join(RATE_LIMITS)} and *.")
    RATE_LIMITS |= {name: rate(_rate) for name in (RATE_LIMITS if _name == "*" else [_name])}

# Mail

DEFAULT_FROM_EMAIL = read(env.str, "DEFAULT_FROM_EMAIL", f"Contact book <contactbook@{_public.hostname}>", "an address")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Seconds for each step; nobody waits for it but the letters (see LEASE in accounts/models/letter.py)
EMAIL_TIMEOUT = 30
EMAIL_FILE_PATH = VAR_DIR / "mail"


def mail_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_* settings for smtp:, smtp+tls:, smtps:, filemail: and consolemail: URLs."""
    parts = urlsplit(url)
    if parts.scheme == "consolemail":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "filemail" and parts.path:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": parts.path}
    if parts.scheme not in ("smtp", "smtp+tls", "smtps") or not parts.hostname:
        raise ValueError
    options = dict(parse_qsl(parts.query))
    return {
        "EMAIL_BACKEND": "accounts.mail.messages.SMTPBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls" or options.get("tls") == "true",
        "EMAIL_USE_SSL": parts.scheme == "smtps" or options.get("ssl") == "true",
    }


ANYMAIL_PROVIDERS = [
    "amazon_ses",
    "brevo",
    "mailersend",
    "mailgun",
    "mailjet",
    "mandrill",
    "postal",
    "postmark",
    "resend",
    "sendgrid",
    "sparkpost",
    "unisender_go",
]
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): value for name, value in os.environ.items() if name.startswith("ANYMAIL_") and value
}
EMAIL_URL = read(env.str, "EMAIL_URL", "", "a URL")
EMAIL_BACKEND = "accounts.mail.messages.TerminalBackend"
if EMAIL_URL:
    try:
        globals().update(mail_settings(EMAIL_URL))
    except ValueError:
        stop("EMAIL_URL must look like smtp://user:password@host:25, filemail:///folder or consolemail://.")
elif ANYMAIL:
    _providers = [p for p in ANYMAIL_PROVIDERS if any(name.startswith(p.upper() + "_") for name in ANYMAIL)]
    if len(_providers) != 1:
        stop(f"ANYMAIL_… variables must name one provider of: {', '.join(ANYMAIL_PROVIDERS)}.")
    EMAIL_BACKEND = f"anymail.backends.{_providers[0]}.EmailBackend"

# Avatars

CLOUDINARY_URL = read(env.str, "CLOUDINARY_URL", "", "a URL")
if CLOUDINARY_URL and not re.fullmatch(r"cloudinary://[^:@/]+:[^@/]+@[^/?]+(/?\?.*)?", CLOUDINARY_URL):
    stop("CLOUDINARY_URL must look like cloudinary://key:secret@cloud.")
MEDIA_ROOT = VAR_DIR / "media"
STORAGES: dict[str, Any] = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "avatars": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT / "avatars", "base_url": f"{PUBLIC_URL}/media/avatars/"},
    },
}
if CLOUDINARY_URL:
    STORAGES["avatars"] = {
        "BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage",
        "OPTIONS": {"url": CLOUDINARY_URL},
    }

# Django

ROOT_URLCONF = "contactbook.urls"
WSGI_APPLICATION = "contactbook.wsgi.application"
APPEND_SLASH = False
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
    "contactbook.observability.middleware.RequestMonitoringMiddleware",  # outermost: it sees every response
    "contactbook.api.parsers.forms_are_utf8",
    # These are outside of the one that redirects to https and refuses hosts: its answers carry their headers, too.
    "contactbook.api.exceptions.Envelope",
    "contactbook.http.middleware.ContentSecurityPolicy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "contactbook.http.middleware.Static",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "contactbook.http.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "contactbook.http.middleware.Users",
    "contactbook.http.middleware.Messages",
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
WHITENOISE_USE_FINDERS = True  # static files are served from where they lie: no collectstatic step
WHITENOISE_AUTOREFRESH = False
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-us"
USE_I18N = False

# Bounds on what a request may hold, in bytes and fields; the avatar's own bound is in contacts/avatars/image.py

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler", "contactbook.api.parsers.LargeFiles"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5

# Accounts

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.PasswordBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
PASSWORD_HASHERS = [
    "accounts.authentication.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=7)
CONFIRM_LINK_LIFETIME = timedelta(days=7)
RESET_LINK_LIFETIME = timedelta(hours=1)
REFRESH_GRACE = timedelta(seconds=10)
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "USER_ID_CLAIM": "sub",
    "AUTH_HEADER_TYPES": ("Bearer",),
    "UPDATE_LAST_LOGIN": False,
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFETIME,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_LIFETIME,
}

# Transport and browser security

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:  # by their names browsers take them from this very host alone, over https
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_AGE = 12 * 3600
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # not in a cookie of their own
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
# What no page of ours asks a browser for, and so none that got into one may
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
        "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
        "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
        "xr-spatial-tracking",
    )
)  # fmt: skip
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
    "DEFAULT_RENDERER_CLASSES": ["contactbook.api.renderers.Renderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "contactbook.api.parsers.AnswersInJSON",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "contactbook.api.exceptions.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "contactbook.api.schema.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Contact book",
    "DESCRIPTION": "The address book that people and their programs can rely on.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "DEFAULT_GENERATOR_CLASS": "contactbook.api.schema.Generator",
    "SCHEMA_PATH_PREFIX": "/api",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    # No SERVERS: calls go to where the document came from, by whatever name the browser knows this host.
    "PREPROCESSING_HOOKS": ["contactbook.api.schema.as_the_contract_writes"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "contactbook.api.schema.with_tags_and_security",
    ],
    "SORT_OPERATION_PARAMETERS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "displayRequestDuration": True},
}

# Seeing what it does

LOG_FORMAT = read(
    env.str,
    "LOG_FORMAT",
    "json" if DATABASE_URL else "line",
    "json or line",
    validate=validate.OneOf(["json", "line"]),
)
LOG_REQUESTS = read(env.bool, "LOG_REQUESTS", False, "true or false")
try:
    METRICS_NETWORKS = [
        ipaddress.ip_network(network.strip())
        for network in read(env.list, "METRICS_NETWORKS", ["127.0.0.0/8", "::1/128"], "networks separated by commas")
    ]
except ValueError:
    stop("METRICS_NETWORKS must be networks such as 10.0.0.0/8 or ::1/128, separated by commas.")
SENTRY_DSN = read(env.str, "SENTRY_DSN", "", "a URL")
if SENTRY_DSN and not re.fullmatch(r"https?://[^:@/\s]+@[^/@\s]+/([^?#\s]+/)?\d+", SENTRY_DSN):
    stop("SENTRY_DSN must look like https://key@host/1.")

# Logs go to standard error. They name the route, never the path, which may hold the secret of a link.

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
        # Its lines for 4xx answers repeat the path, and with it the secret of a link.
        "django.request": {"level": "ERROR"},
        "gunicorn.error": {"handlers": [], "propagate": True, "level": "WARNING"},
    },
}
