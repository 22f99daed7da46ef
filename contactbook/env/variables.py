"""Typed access to a mapping of strings such as os.environ."""

import re
from collections.abc import Mapping, Sequence

TRUE = {"1", "on", "t", "true", "y", "yes"}
FALSE = {"0", "off", "f", "false", "n", "no"}
SIZE_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


class ConfigurationError(Exception):
    """A variable has an invalid value. The message is one sentence and never contains the value of a secret."""


class Variables:
    """Reads variables of a mapping. An empty variable counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str = "") -> str:
        value = self.environ.get(name, "")
        return value if value.strip() else default

    def integer(self, name: str, default: int, low: int, high: int, meaning: str) -> int:
        text = self.text(name, str(default)).strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ConfigurationError(f"{name} must be {meaning}, {low} to {high}.")
        return int(text)

    def boolean(self, name: str) -> bool:
        text = self.text(name, "false").strip().lower()
        if text not in TRUE | FALSE:
            raise ConfigurationError(f"{name} must be true or false.")
        return text in TRUE

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        text = self.text(name, default).strip()
        if text not in choices:
            raise ConfigurationError(f"{name} must be {' or '.join(choices)}.")
        return text

    def items(self, name: str) -> list[str]:
        """Return the items of a list separated by commas, empty ones too, so that the caller can reject them."""
        text = self.text(name)
        return [item.strip() for item in text.split(",")] if text else []

    def size(self, name: str, default: str) -> int | None:
        """Return a number of bytes; None for 0, which means no limit."""
        match = re.fullmatch(r"([0-9]{1,15}) *([KMGT]?B|)", self.text(name, default).strip().upper())
        if not match:
            raise ConfigurationError(f"{name} must be a number of bytes such as 250MB or 1GB, or 0 for no limit.")
        return int(match[1]) * SIZE_UNITS[match[2]] or None

    def prefixed(self, prefix: str) -> dict[str, str]:
        """Return the variables whose names begin with the prefix, under their names without it."""
        found = {name.removeprefix(prefix): value for name, value in self.environ.items() if name.startswith(prefix)}
        return {name: value for name, value in found.items() if value.strip()}
