"""The configuration, read from environment variables only.

`Configuration` depends on the given mapping and on this machine's name; it reads no file and no process environment.
"""

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path

from contactbook.env import hosts, services
from contactbook.env.rate_limits import rate_limits
from contactbook.env.var_dir import MIN_SECRET_KEY, checked_secret_key
from contactbook.env.variables import ConfigurationError, Variables

__all__ = ["Configuration", "ConfigurationError"]

LOCAL_NETWORKS = ["127.0.0.0/8", "::1/128"]


class Configuration:
    """The validated values of all variables; ConfigurationError if one is invalid.

    `secret_key` is empty where SECRET_KEY is unset on SQLite: settings.py then makes a key.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        variables = Variables(environ)
        self.var_dir = Path(variables.text("VAR_DIR", str(Path(__file__).resolve().parents[2] / "var"))).absolute()
        self.debug = variables.boolean("DEBUG")
        self.read_addresses(variables)
        self.read_https(variables)
        self.read_services(variables)
        self.read_secret_keys(variables)
        self.read_mail(variables)
        self.read_limits(variables)
        self.read_observability(variables)

    def read_addresses(self, variables: Variables) -> None:
        self.host = variables.text("HOST", "127.0.0.1").strip()
        self.port = variables.integer("PORT", 8000, 1, 65535, "a port")
        own_host = hosts.own_host(self.host)
        self.public_url = hosts.public_url(variables.text("PUBLIC_URL", f"http://{own_host}:{self.port}"))
        self.public_host = hosts.host_of(self.public_url)
        own_names = {"localhost", "127.0.0.1", "[::1]", socket.gethostname(), socket.getfqdn()}
        self.allowed_hosts = [hosts.allowed_host(name) for name in variables.items("ALLOWED_HOSTS")] or sorted(
            {*own_names, own_host, self.public_host}
        )
        self.cors_allowed_origins = [hosts.cors_origin(each) for each in variables.items("CORS_ALLOWED_ORIGINS")]
        self.trusted_proxies = variables.integer("TRUSTED_PROXIES", 0, 0, 10, "a count")

    def read_https(self, variables: Variables) -> None:
        self.https = self.public_url.startswith("https:")
        self.hsts_include_subdomains = variables.boolean("HSTS_INCLUDE_SUBDOMAINS")
        self.hsts_preload = variables.boolean("HSTS_PRELOAD")
        if self.hsts_preload and not self.hsts_include_subdomains:
            raise ConfigurationError("HSTS_PRELOAD needs HSTS_INCLUDE_SUBDOMAINS=true: browsers list whole domains.")

    def read_services(self, variables: Variables) -> None:
        self.database_url = variables.text("DATABASE_URL")
        self.postgresql = services.postgresql(self.database_url) if self.database_url else None
        self.redis_url = services.redis_url("REDIS_URL", variables.text("REDIS_URL"))
        self.cache_url = services.redis_url("CACHE_URL", variables.text("CACHE_URL"))
        self.redis_prefix = variables.text("REDIS_PREFIX", "contactbook")
        self.web_concurrency = variables.integer("WEB_CONCURRENCY", 1, 1, 512, "a number of processes")
        if self.web_concurrency > 1 and not self.redis_url:
            raise ConfigurationError(
                "REDIS_URL must be set where WEB_CONCURRENCY is more than 1: "
                "all processes count the limits together in Redis."
            )
        if self.cache_url and not self.redis_url:
            raise ConfigurationError("REDIS_URL must be set where CACHE_URL is: the limits are counted there.")
        self.cloudinary_url = services.cloudinary_url(variables.text("CLOUDINARY_URL"))

    def read_secret_keys(self, variables: Variables) -> None:
        self.secret_key = variables.text("SECRET_KEY")
        if self.secret_key:
            checked_secret_key(self.secret_key)
        elif self.database_url:
            raise ConfigurationError(
                "SECRET_KEY must be set where DATABASE_URL is, to a long random text that stays the same."
            )
        self.secret_key_fallbacks = variables.items("SECRET_KEY_FALLBACKS")
        if any(len(key) < MIN_SECRET_KEY for key in self.secret_key_fallbacks):  # anybody can sign with an empty key
            raise ConfigurationError(
                "SECRET_KEY_FALLBACKS must be former keys of 16 characters or more, separated by commas."
            )

    def read_mail(self, variables: Variables) -> None:
        self.anymail = variables.prefixed("ANYMAIL_")
        self.mail = services.mail(variables.text("EMAIL_URL"), self.anymail)
        domain = "localhost" if is_ip_address(self.public_host) else self.public_host
        sender = variables.text("DEFAULT_FROM_EMAIL", f"Contact book <contactbook@{domain}>")
        self.default_from_email = services.sender(sender)

    def read_limits(self, variables: Variables) -> None:
        self.rate_limits = rate_limits(variables.items("RATE_LIMITS"))
        self.history_days = variables.integer("HISTORY_DAYS", 90, 1, 36500, "a number of days")
        self.account_quota = variables.size("ACCOUNT_QUOTA", "250MB")

    def read_observability(self, variables: Variables) -> None:
        self.log_format = variables.choice("LOG_FORMAT", ["json", "line"], "json" if self.database_url else "line")
        self.log_requests = variables.boolean("LOG_REQUESTS")
        networks = variables.items("METRICS_NETWORKS") or LOCAL_NETWORKS
        try:
            self.metrics_networks = [ipaddress.ip_network(network) for network in networks]
        except ValueError:
            raise ConfigurationError(
                "METRICS_NETWORKS must be networks such as 10.0.0.0/8 or ::1/128, separated by commas."
            ) from None
        self.sentry_dsn = services.sentry_dsn(variables.text("SENTRY_DSN"))


def is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
