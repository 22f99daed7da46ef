"""The folder of all files that the product writes, and the secret key that it makes there."""

import contextlib
import os
import secrets
from pathlib import Path

from contactbook.env.variables import ConfigurationError

MIN_SECRET_KEY = 16  # characters


def make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"VAR_DIR must be a folder that can be written: {error.strerror}.") from None
    return folder


def stored_secret_key(folder: Path) -> str:
    """Return the key in the folder; at the first start make one, in a file that only its owner can read."""
    path = folder / "secret_key"
    try:
        if not path.exists():
            write_secret_key(path)
        return checked_secret_key(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"SECRET_KEY is unset and VAR_DIR/secret_key fails: {error.strerror}.") from None


def write_secret_key(path: Path) -> None:
    draft = path.with_name(f".secret_key.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(64))
    with contextlib.suppress(FileExistsError):  # another process was first; its file is complete
        os.link(draft, path)
    draft.unlink()


def checked_secret_key(key: str) -> str:
    if len(key) < MIN_SECRET_KEY:
        raise ConfigurationError("SECRET_KEY must be a long random text: 50 characters or more, never fewer than 16.")
    return key
