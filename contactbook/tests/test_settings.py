"""The environment: what unset means, and one sentence for what cannot be understood."""

import stat
import subprocess
import sys

import pytest

from contactbook.tests.live import ROOT, base_environment

SECRET = "hunter2-hunter2-hunter2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "127.0.0.1"),
        ("PORT", "8000"),
        ("WEB_CONCURRENCY", "1"),
        ("DEBUG", "False"),
        ("PUBLIC_URL", "http://127.0.0.1:8000"),
        ("TRUSTED_PROXIES", "0"),
        ("CORS_ALLOWED_ORIGINS", "[]"),
        ("SECRET_KEY_FALLBACKS", "[]"),
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("CLOUDINARY_URL", ""),
        ("LOG_FORMAT", "line"),
        ("LOG_REQUESTS", "False"),
        ("METRICS_NETWORKS", "[IPv4Network('127.0.0.0/8'), IPv6Network('::1/128')]"),
        ("SENTRY_DSN", ""),
        ("EMAIL_BACKEND", "accounts.mail.messages.TerminalBackend"),
        ("DATABASES['default']['ENGINE']", "django.db.backends.sqlite3"),
        ("CACHES['default']['BACKEND']", "django.core.cache.backends.locmem.LocMemCache"),
        ("SECURE_SSL_REDIRECT", "False"),
        ("SECURE_HSTS_SECONDS", "0"),
        ("SESSION_COOKIE_SECURE", "False"),
    ],
)
def test_unset(environment, name, value):
    ended = environment(name)
    assert (ended.stdout.strip(), ended.returncode) == (value, 0)
    variable = name.partition("[")[0]
    if not name.endswith("]") and variable.isupper():
        assert environment(name, **{variable: ""}).stdout.strip() == value, "empty is unset"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://localhost:8000"),
        ("::", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("192.0.2.1", "http://192.0.2.1:8000"),
    ],
)
def test_public_url_follows_the_host(environment, host, url):
    assert environment("PUBLIC_URL", HOST=host).stdout.strip() == url


def test_own_names_are_allowed_hosts_and_no_others(environment):
    hosts = eval(environment("ALLOWED_HOSTS", PUBLIC_URL="https://book.example.org").stdout)
    assert {"localhost", "127.0.0.1", "book.example.org"} <= set(hosts)
    assert "*" not in hosts and "" not in hosts


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "two"),
        ("WEB_CONCURRENCY", "-1"),
        ("DEBUG", "maybe"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "all"),
        ("PUBLIC_URL", "example.org"),
        ("PUBLIC_URL", "ftp://example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://example.org/path"),
        ("PUBLIC_URL", "https://a:b@example.org"),
        ("PUBLIC_URL", "https://example.org?x=1"),
        ("PUBLIC_URL", "https://example.org:99999"),
        ("PUBLIC_URL", "http://["),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "app.example.org"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example/path"),
        ("SECRET_KEY", "short"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://u:hunter2@h:port/d"),
        ("DATABASE_URL", "postgres://u:hunter2@a:1,b:port/d"),
        ("DATABASE_URL", "postgres://u:hunter2@a,,b/d"),
        ("REDIS_URL", "http://:hunter2@h"),
        ("REDIS_URL", "nonsense"),
        ("EMAIL_URL", "nonsense"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "filemail://"),
        ("EMAIL_URL", "smtp://u:hunter2@h:port"),
        ("CLOUDINARY_URL", "https://hunter2"),
        ("CLOUDINARY_URL", "cloudinary://key:hunter2"),
        ("RATE_LIMITS", "login=often"),
        ("LOG_FORMAT", "xml"),
        ("LOG_REQUESTS", "sometimes"),
        ("METRICS_NETWORKS", "everybody"),
        ("METRICS_NETWORKS", "10.0.0.1/8"),
        ("METRICS_NETWORKS", "10.0.0.0/8,,"),
        ("SENTRY_DSN", "hunter2"),
        ("SENTRY_DSN", "https://hunter2/1"),
        ("SENTRY_DSN", "https://hunter2@host/project"),
    ],
)
def test_what_cannot_be_understood_stops_the_start_with_a_sentence(environment, variable, value):
    ended = environment(**{"SECRET_KEY": SECRET * 3, variable: value})
    assert ended.returncode != 0
    assert ended.stderr.startswith(f"contactbook: {variable}")
    assert len(ended.stderr.splitlines()) == 1 and ended.stderr.rstrip().endswith(".")
    assert "hunter2" not in ended.stderr + ended.stdout


def test_logs_are_for_programs_where_there_is_a_database(environment):
    values = {"DATABASE_URL": "postgres://u:p@h/d", "SECRET_KEY": SECRET * 3}
    assert environment("LOG_FORMAT", **values).stdout.strip() == "json"
    assert environment("LOG_FORMAT", **values, LOG_FORMAT="line").stdout.strip() == "line"


def test_several_processes_need_redis(environment):
    ended = environment(WEB_CONCURRENCY="2")
    assert ended.returncode != 0 and "REDIS_URL" in ended.stderr
    assert environment(WEB_CONCURRENCY="2", REDIS_URL="redis://127.0.0.1:1/0").returncode == 0


def test_a_database_needs_a_secret_key_that_is_kept(environment):
    ended = environment(DATABASE_URL="postgres://u:hunter2@h/d")
    assert ended.returncode != 0 and "SECRET_KEY" in ended.stderr and "hunter2" not in ended.stderr


def test_the_secret_key_is_made_once_and_kept_for_its_owner(environment, tmp_path):
    first, second = environment("SECRET_KEY").stdout, environment("SECRET_KEY").stdout
    kept = tmp_path / "var" / "secret_key"
    assert first == second == kept.read_text() + "\n"
    assert len(first) > 64
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_the_database_is_bounded_in_all_its_waits(environment):
    values = {"DATABASE_URL": "postgres://u:p@h/d?sslmode=require", "SECRET_KEY": SECRET * 3}
    database = eval(environment("DATABASES['default']", **values).stdout)
    options = database["OPTIONS"]
    assert options["connect_timeout"] == 2 and options["sslmode"] == "require"
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        assert f"{name}=" in options["options"]
    assert database["CONN_HEALTH_CHECKS"] is True and database["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_a_database_on_several_hosts_is_the_one_that_takes_writes(environment):
    url = "postgres://u:p%40@a:5433,[::1],c:1/d?sslmode=require"  # pragma: allowlist secret
    database = eval(environment("DATABASES['default']", DATABASE_URL=url, SECRET_KEY=SECRET * 3).stdout)
    assert (database["HOST"], database["PORT"]) == ("a,::1,c", "5433,5432,1")
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("u", "p@", "d")
    options = database["OPTIONS"]
    assert options["target_session_attrs"] == "read-write" and options["connect_timeout"] == 2


@pytest.mark.parametrize("https", [False, True])
def test_https_is_on_exactly_where_the_public_url_is(environment, https):
    url = f"http{'s' if https else ''}://book.example.org"
    for name in (
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_HSTS_SECONDS > 0",
    ):
        assert environment(name, PUBLIC_URL=url).stdout.strip() == str(https)


def test_the_deployment_check_is_clean(tmp_path):
    env = base_environment(tmp_path) | {"PUBLIC_URL": "https://book.example.org"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR"]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ended.returncode == 0
    assert "(security." not in ended.stderr
