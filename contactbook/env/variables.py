"""Typed reading of a mapping of texts, such as os.environ."""

import re
from collections.abc import Mapping, Sequence

TRUE = {"1", "on", "t", "true", "y", "yes"}
FALSE = {"0", "off", "f", "false", "n", "no"}
SIZE_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


class ConfigurationError(Exception):
    """A value that cannot be used. The text is one sentence and never repeats the value of a secret."""


class Variables:
    """The variables of a mapping. A variable that is set but empty counts as unset."""

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
        """Texts separated by commas. An empty item is kept, so that its reader can refuse it."""
        text = self.text(name)
        return [item.strip() for item in text.split(",")] if text else []

    def size(self, name: str, default: str) -> int | None:
        """Bytes; None for 0, which lifts the bound."""
        match = re.fullmatch(r"([0-9]{1,15}) *([KMGT]?B|)", self.text(name, default).strip().upper())
        if not match:
            raise ConfigurationError(f"{name} must be a number of bytes such as 250MB or 1GB, or 0 for no bound.")
        return int(match[1]) * SIZE_UNITS[match[2]] or None

    def prefixed(self, prefix: str) -> dict[str, str]:
        """The variables whose names begin with the prefix, named by what follows it."""
        named = {name.removeprefix(prefix): value for name, value in self.environ.items() if name.startswith(prefix)}
        return {name: value for name, value in named.items() if value.strip()}
