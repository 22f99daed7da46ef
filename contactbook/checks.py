"""System checks of the deployment that need more than the environment variables."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string


def check_mail_backend(**kwargs: Any) -> list[CheckMessage]:
    """Return an error if the e-mail backend cannot be imported: some Anymail providers need another package."""
    try:
        import_string(settings.EMAIL_BACKEND)
    except ImportError as error:
        return [Error(f"E-mails cannot be sent by {settings.EMAIL_BACKEND}: {error}", id="contactbook.E001")]
    return []


def check_avatar_folder(**kwargs: Any) -> list[CheckMessage]:
    """Return an error if uploaded pictures cannot be written to the local folder."""
    folder = Path(settings.MEDIA_ROOT) / "avatars"
    existing = next(each for each in (folder, *folder.parents) if each.exists())  # the first upload makes the rest
    if settings.CLOUDINARY_URL or os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            "The folder of the avatars cannot be written.",
            hint=f"Make {existing} writable for the user that runs the server.",
            id="contactbook.E002",
        )
    ]
