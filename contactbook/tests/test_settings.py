"""The environment: what unset means, and one sentence for what cannot be used."""

import socket
import stat
import subprocess
import sys
import time
from email.utils import parseaddr
from ipaddress import ip_network

import pytest
from django.test import RequestFactory
from django_redis.cache import RedisCache
from redis.exceptions import RedisError

from contactbook.checks import check_avatar_folder, check_mail_backend
from contactbook.env import Configuration, ConfigurationError
from contactbook.env.var_dir import stored_secret_key
from contactbook.tests.live import ROOT, base_environment

pytestmark = pytest.mark.one_stack

SECRET = "hunter2-hunter2-hunter2"
POSTGRESQL = {"DATABASE_URL": "postgres://u:p@h/d", "SECRET_KEY": SECRET * 3}

UNSET = {
    "HOST": "127.0.0.1",
    "PORT": 8000,
    "WEB_CONCURRENCY": 1,
    "DEBUG": False,
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "TRUSTED_PROXIES": 0,
    "CORS_ALLOWED_ORIGINS": [],
    "SECRET_KEY_FALLBACKS": [],
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "CACHE_URL": "",
    "CLOUDINARY_URL": "",
    "HISTORY_DAYS": 90,
    "ACCOUNT_QUOTA": 250 * 1024**2,
    "LOG_FORMAT": "line",
    "LOG_REQUESTS": False,
    "METRICS_NETWORKS": [ip_network("127.0.0.0/8"), ip_network("::1/128")],
    "SENTRY_DSN": "",
    "DEFAULT_FROM_EMAIL": "Contact book <contactbook@localhost>",
    "EMAIL_BACKEND": "accounts.mail.backends.TerminalBackend",
    "SECURE_SSL_REDIRECT": False,
    "SECURE_HSTS_SECONDS": 0,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": False,
    "SECURE_HSTS_PRELOAD": False,
    "SESSION_COOKIE_SECURE": False,
}
EMPTY = [*UNSET, "EMAIL_URL", "RATE_LIMITS", "REDIS_PREFIX", "HSTS_PRELOAD", "HSTS_INCLUDE_SUBDOMAINS", "ANYMAIL_X"]


@pytest.mark.parametrize("empty", ["", " "])
def test_unset(settings_of, empty):
    for values in (settings_of(), settings_of(**dict.fromkeys(EMPTY, empty)), settings_of(SECRET_KEY=empty)):
        assert {name: values[name] for name in UNSET} == UNSET
        assert values["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
        assert values["CACHES"]["default"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://localhost:8000"),
        ("::", "http://localhost:8000"),
        ("*", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("192.0.2.1", "http://192.0.2.1:8000"),
    ],
)
def test_public_url_follows_the_host(host, url):
    assert Configuration({"HOST": host}).public_url == url


def test_own_names_are_allowed_hosts_and_no_others():
    hosts = Configuration({"PUBLIC_URL": "https://book.example.org"}).allowed_hosts
    assert {"localhost", "127.0.0.1", "[::1]", "book.example.org"} <= set(hosts)
    assert "*" not in hosts and "" not in hosts


WRONG = [
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "http"),
    ("PORT", "80.5"),
    ("PORT", "٨٠"),
    ("PORT", "9" * 20),
    ("WEB_CONCURRENCY", "0"),
    ("WEB_CONCURRENCY", "513"),
    ("WEB_CONCURRENCY", "two"),
    ("WEB_CONCURRENCY", "-1"),
    ("DEBUG", "maybe"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "all"),
    ("HISTORY_DAYS", "0"),
    ("HISTORY_DAYS", "36501"),
    ("HOST", "☃.example"),
    ("HOST", "http://example.org"),
    ("HOST", "127.0.0.1:8000"),
    ("PUBLIC_URL", "example.org"),
    ("PUBLIC_URL", "ftp://example.org"),
    ("PUBLIC_URL", "https://"),
    ("PUBLIC_URL", "https://example.org/path"),
    ("PUBLIC_URL", "https://a:hunter2@example.org"),
    ("PUBLIC_URL", "https://@example.org"),
    ("PUBLIC_URL", "https://example.org?x=1"),
    ("PUBLIC_URL", "https://example.org:99999"),
    ("PUBLIC_URL", "https://example.org:0"),
    ("PUBLIC_URL", "http://["),
    ("PUBLIC_URL", "http://exa mple.org"),
    ("PUBLIC_URL", "http://my_book.example"),
    ("PUBLIC_URL", "http://☃.example"),
    ("PUBLIC_URL", "http://bücher..example"),
    ("PUBLIC_URL", f"http://{'ü' * 64}.example"),
    ("ALLOWED_HOSTS", "https://example.org"),
    ("ALLOWED_HOSTS", "example.org:8000"),
    ("ALLOWED_HOSTS", "a.example,,b.example"),
    ("ALLOWED_HOSTS", "☃.example"),
    ("CORS_ALLOWED_ORIGINS", "*"),
    ("CORS_ALLOWED_ORIGINS", "null"),
    ("CORS_ALLOWED_ORIGINS", "https://*.example.org"),
    ("CORS_ALLOWED_ORIGINS", "app.example.org"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example/path"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example,"),
    ("CORS_ALLOWED_ORIGINS", "https://☃.example"),
    ("CORS_ALLOWED_ORIGINS", "capacitor://elsewhere"),
    ("CORS_ALLOWED_ORIGINS", "other://localhost"),
    ("HSTS_INCLUDE_SUBDOMAINS", "all"),
    ("HSTS_PRELOAD", "yes please"),
    ("HSTS_PRELOAD", "true"),
    ("SECRET_KEY", "short"),
    ("SECRET_KEY_FALLBACKS", "hunter2"),
    ("SECRET_KEY_FALLBACKS", f"{SECRET},,{SECRET}"),
    ("DATABASE_URL", "mysql://u:hunter2@h/d"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "postgres://u:hunter2@h:port/d"),
    ("DATABASE_URL", "postgres://u:hunter2@a:1,b:port/d"),
    ("DATABASE_URL", "postgres://u:hunter2@a,,b/d"),
    ("DATABASE_URL", "postgres://u:hunter2@[/d"),
    ("DATABASE_URL", "postgres://u:hunter2@h"),
    ("DATABASE_URL", "postgres://u:hunter2@h/"),
    ("DATABASE_URL", "postgres://u:hunter2#@h/d"),
    ("REDIS_URL", "redis://"),
    ("REDIS_URL", "redis://:hunter2@h/name"),
    ("REDIS_URL", "unix://"),
    ("REDIS_URL", "http://:hunter2@h"),
    ("REDIS_URL", "nonsense"),
    ("REDIS_URL", "redis://:hunter2@h:port/0"),
    ("REDIS_URL", "redis://:hunter2@["),
    ("CACHE_URL", "http://:hunter2@h"),
    ("EMAIL_URL", "nonsense"),
    ("EMAIL_URL", "smtp://"),
    ("EMAIL_URL", "filemail://"),
    ("EMAIL_URL", "filemail://folder/mail"),
    ("DEFAULT_FROM_EMAIL", "Contact book"),
    ("DEFAULT_FROM_EMAIL", "contactbook@"),
    ("EMAIL_URL", "smtp://u:hunter2@h:port"),
    ("EMAIL_URL", "smtps://u:hunter2@h?tls=true"),
    ("ANYMAIL_", "hunter2"),
    ("ANYMAIL_NOBODY_API_KEY", "hunter2"),
    ("CLOUDINARY_URL", "https://hunter2"),
    ("CLOUDINARY_URL", "cloudinary://key:hunter2"),
    ("RATE_LIMITS", "login=often"),
    ("ACCOUNT_QUOTA", "much"),
    ("ACCOUNT_QUOTA", "-1MB"),
    ("ACCOUNT_QUOTA", "1.5GB"),
    ("ACCOUNT_QUOTA", "1 PB"),
    ("LOG_FORMAT", "xml"),
    ("LOG_REQUESTS", "sometimes"),
    ("METRICS_NETWORKS", "everybody"),
    ("METRICS_NETWORKS", "10.0.0.1/8"),
    ("METRICS_NETWORKS", "10.0.0.0/8,,"),
    ("SENTRY_DSN", "hunter2"),
    ("SENTRY_DSN", "https://hunter2/1"),
    ("SENTRY_DSN", "https://hunter2@host/project"),
]


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_what_cannot_be_understood_stops_the_start_with_a_sentence(variable, value):
    with pytest.raises(ConfigurationError) as raised:
        Configuration({"SECRET_KEY": SECRET * 3, variable: value})
    sentence = str(raised.value)
    assert sentence.startswith("ANYMAIL_" if variable.startswith("ANYMAIL_") else variable)
    assert len(sentence.splitlines()) == 1 and sentence.endswith(".")
    assert "hunter2" not in sentence


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgres://u:hunter2@h:port/d", "SECRET_KEY": SECRET},
        {"REDIS_URL": "redis://:hunter2@[", "DEBUG": "true"},
    ],
)
def test_a_process_ends_with_the_sentence_alone(tmp_path, variables):
    environment = {"VAR_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", **variables}
    command = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"contactbook: {next(iter(variables))} must look like ")
    assert len(ended.stderr.splitlines()) == 1 and "hunter2" not in ended.stderr


def test_a_folder_that_cannot_be_made_stops_the_start(settings_of, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"^contactbook: VAR_DIR must be a folder that can be written: .*\.$"):
        settings_of(VAR_DIR=str(tmp_path / "file" / "var"))


# Names that are not ASCII: browsers send them as punycode, in lower case


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("http://контакти.укр:18102", "http://xn--80aqebnf3ac.xn--j1amh:18102"),
        ("https://КОНТАКТИ.укр", "https://xn--80aqebnf3ac.xn--j1amh"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("https://bücher。example", "https://xn--bcher-kva.example"),
        ("HTTPS://Book.Example.ORG/", "https://book.example.org"),
        ("https://book.example.org:443", "https://book.example.org"),
        ("http://book.example.org:443", "http://book.example.org:443"),
        ("http://[2001:DB8::1]:8000", "http://[2001:db8::1]:8000"),
    ],
)
def test_the_public_url_has_the_form_that_browsers_send(rf, settings, url, form):
    configuration = Configuration({"PUBLIC_URL": url})
    assert configuration.public_url == form
    settings.ALLOWED_HOSTS = configuration.allowed_hosts
    host = form.partition("://")[2]
    assert rf.get("/", headers={"host": host}).get_host() == host
    assert parseaddr(configuration.default_from_email)[1].isascii()


def test_names_of_other_hosts_have_it_too(settings):
    names = "контакти.укр, Book.Example.org,.Укр.example,*,[::1],::1,example.org."
    settings.ALLOWED_HOSTS = Configuration({"ALLOWED_HOSTS": names}).allowed_hosts
    assert settings.ALLOWED_HOSTS == [
        "xn--80aqebnf3ac.xn--j1amh",
        "book.example.org",
        ".xn--j1amh.example",
        "*",
        "[::1]",
        "[::1]",
        "example.org",
    ]
    request = RequestFactory().get("/", headers={"host": "a.xn--j1amh.example"})
    assert request.get_host() == "a.xn--j1amh.example"


def test_origins_have_it_too_and_apps_may_be_allowed():
    origins = "https://приклад.укр, https://App.Example.org:443,http://[::1]:3000"
    apps = "capacitor://localhost,ionic://localhost,tauri://localhost"
    assert Configuration({"CORS_ALLOWED_ORIGINS": f"{origins},{apps}"}).cors_allowed_origins == [
        "https://xn--80aikifvh.xn--j1amh",
        "https://app.example.org",
        "http://[::1]:3000",
        *apps.split(","),
    ]


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://192.0.2.1:8000", "localhost"),
        ("http://[::1]", "localhost"),
        ("https://контакти.укр", "xn--80aqebnf3ac.xn--j1amh"),
        ("https://book.example.org", "book.example.org"),
    ],
)
def test_the_sender_is_at_the_public_host_unless_it_is_an_address(url, domain):
    assert Configuration({"PUBLIC_URL": url}).default_from_email == f"Contact book <contactbook@{domain}>"
    assert Configuration({"PUBLIC_URL": url, "DEFAULT_FROM_EMAIL": "a@b.example"}).default_from_email == "a@b.example"


def test_logs_are_for_programs_where_there_is_a_database():
    assert Configuration(POSTGRESQL).log_format == "json"
    assert Configuration({**POSTGRESQL, "LOG_FORMAT": "line"}).log_format == "line"


def test_several_processes_need_redis():
    with pytest.raises(ConfigurationError, match="^REDIS_URL must be set"):
        Configuration({"WEB_CONCURRENCY": "2"})
    assert Configuration({"WEB_CONCURRENCY": "2", "REDIS_URL": "redis://127.0.0.1:1/0"}).web_concurrency == 2


def test_a_cache_of_responses_needs_redis_for_the_limits():
    with pytest.raises(ConfigurationError, match="^REDIS_URL must be set where CACHE_URL is"):
        Configuration({"CACHE_URL": "redis://127.0.0.1:1/0"})


def test_a_database_needs_a_secret_key_that_is_kept():
    with pytest.raises(ConfigurationError, match="^SECRET_KEY") as raised:
        Configuration({"DATABASE_URL": "postgres://u:hunter2@h/d"})
    assert "hunter2" not in str(raised.value)


def test_the_secret_key_is_made_once_and_kept_for_its_owner(settings_of, tmp_path):
    first, second = settings_of()["SECRET_KEY"], settings_of()["SECRET_KEY"]
    kept = tmp_path / "var" / "secret_key"
    assert first == second == kept.read_text()
    assert len(first) > 64
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_a_secret_key_that_was_cut_off_or_cannot_be_read_stops_the_start(tmp_path):
    (tmp_path / "secret_key").write_text("cut off")
    with pytest.raises(ConfigurationError, match="^SECRET_KEY must be a long random text"):
        stored_secret_key(tmp_path)
    (tmp_path / "secret_key").unlink()
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(ConfigurationError, match=r"^SECRET_KEY is unset and VAR_DIR/secret_key fails: .*\.$"):
        stored_secret_key(tmp_path)


def test_the_database_is_bounded_in_all_its_waits():
    database = Configuration({**POSTGRESQL, "DATABASE_URL": "postgres://u:p@h/d?sslmode=require"}).postgresql
    options = database["OPTIONS"]
    assert options["connect_timeout"] == 2 and options["sslmode"] == "require"
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        assert f"{name}=" in options["options"]
    assert database["CONN_HEALTH_CHECKS"] is True and database["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_a_database_on_several_hosts_is_the_one_that_takes_writes():
    url = "postgres://u:p%40@a:5433,[::1],c:1/d?sslmode=require"  # pragma: allowlist secret
    database = Configuration({**POSTGRESQL, "DATABASE_URL": url}).postgresql
    assert (database["HOST"], database["PORT"]) == ("a,::1,c", "5433,5432,1")
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("u", "p@", "d")
    options = database["OPTIONS"]
    assert options["target_session_attrs"] == "read-write" and options["connect_timeout"] == 2
    assert options["sslmode"] == "require"


# Caches


def test_cached_responses_may_have_a_redis_of_their_own(settings_of):
    first, second = "redis://first:6379/0", "redis://second:6379/0"
    values = settings_of(REDIS_URL=first, CACHE_URL=second, REDIS_PREFIX="mine")
    caches = values["CACHES"]
    assert (caches["default"]["LOCATION"], caches["responses"]["LOCATION"]) == (first, second)
    assert (caches["default"]["TIMEOUT"], caches["responses"]["TIMEOUT"]) == (60, 600)
    for cache in caches.values():
        assert cache["KEY_PREFIX"] == "mine"
        assert cache["OPTIONS"]["SERIALIZER"] == "django_redis.serializers.json.JSONSerializer"
    assert settings_of(REDIS_URL=first)["CACHES"]["responses"]["LOCATION"] == first


def test_without_redis_the_two_caches_share_nothing(settings_of):
    caches = settings_of()["CACHES"]
    assert caches["default"]["LOCATION"] != caches["responses"]["LOCATION"]
    assert caches["responses"]["OPTIONS"]["MAX_ENTRIES"] == 256


def seconds_until_failure(cache):
    began = time.monotonic()
    with pytest.raises(RedisError):
        cache.get("key")
    return time.monotonic() - began


@pytest.mark.parametrize("cache", ["default", "responses"])
def test_a_command_to_a_silent_redis_costs_a_fifth_of_a_second(settings_of, cache):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        params = settings_of(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")["CACHES"][cache]
        # redis-py's own client: the product's circuit breaker would be open for the tests that follow.
        options = {**params["OPTIONS"], "REDIS_CLIENT_CLASS": "redis.Redis"}
        client = RedisCache(params["LOCATION"], {**params, "OPTIONS": options})
        assert 0.15 < min(seconds_until_failure(client) for _ in range(3)) < 0.39


# Https


@pytest.mark.parametrize("https", [False, True])
def test_https_is_on_exactly_where_the_public_url_is(settings_of, https):
    values = settings_of(PUBLIC_URL=f"http{'s' if https else ''}://book.example.org")
    for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        assert values[name] is https
    assert (values["SECURE_HSTS_SECONDS"] > 0) is https


def test_hsts_covers_other_hosts_only_where_that_is_asked_for(settings_of):
    names = ("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    url = {"PUBLIC_URL": "https://book.example.org"}
    subdomains = {"HSTS_INCLUDE_SUBDOMAINS": "true"}
    for variables, expected in [
        (url, (False, False)),
        (url | subdomains, (True, False)),
        (url | subdomains | {"HSTS_PRELOAD": "true"}, (True, True)),
    ]:
        values = settings_of(**variables)
        assert tuple(values[name] for name in names) == expected


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("250MB", 250 * 1024**2),
        ("1GB", 1024**3),
        ("1 gb", 1024**3),
        ("10kb", 10240),
        ("1000", 1000),
        ("7B", 7),
        ("0", None),
        ("0MB", None),
    ],
)
def test_a_quota_is_bytes_with_an_optional_unit(text, size):
    assert Configuration({"ACCOUNT_QUOTA": text}).account_quota == size


# What only the deployed system can tell


def test_the_deployment_check_is_clean(tmp_path):
    env = base_environment(tmp_path) | {"PUBLIC_URL": "https://book.example.org"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "(security." not in ended.stderr


def test_a_mail_backend_that_lacks_a_package_is_a_fault_of_the_deployment(settings):
    assert check_mail_backend() == []
    settings.EMAIL_BACKEND = "anymail.backends.nobody.EmailBackend"
    (error,) = check_mail_backend()
    assert error.id == "contactbook.E001"


def test_an_avatar_folder_that_cannot_be_written_is_a_fault_of_the_deployment(settings, tmp_path):
    settings.CLOUDINARY_URL, settings.MEDIA_ROOT = "", tmp_path / "media"
    assert check_avatar_folder() == []
    settings.MEDIA_ROOT.write_text("a file, which root cannot write into either")
    assert [error.id for error in check_avatar_folder()] == ["contactbook.E002"]
    settings.MEDIA_ROOT = settings.MEDIA_ROOT / "not_made_yet"
    assert [error.id for error in check_avatar_folder()] == ["contactbook.E002"]
