"""Django storage of pictures in Cloudinary."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import urllib3
from cloudinary import api, uploader
from cloudinary.exceptions import Error as CloudinaryError
from cloudinary.utils import cloudinary_url
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from urllib3 import Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

# Seconds. The library has no default timeout and tries a connection four times. With these an upload that hangs and
# the deletion after it end within 15 seconds.
UPLOAD_TIMEOUT = Timeout(connect=2, read=9)
DELETE_TIMEOUT = Timeout(connect=1, read=3)
FOLDER = "avatars"


class CloudinaryStorage(Storage):
    """Stores pictures in Cloudinary. A failure is an OSError, as on a disk; a ConnectionError if no request was sent.

    `url` is cloudinary://key:secret@cloud with `upload_prefix`, `signature_algorithm` and `secure_distribution` as
    optional query parameters. All options are passed with each call, since the library reads missing ones from the
    environment.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "cloudinary" or not (parts.username and parts.password and parts.hostname):
            raise ImproperlyConfigured("CLOUDINARY_URL must look like cloudinary://key:secret@cloud.")
        options = dict(parse_qsl(parts.query))
        self._account = {
            "cloud_name": parts.hostname,
            "api_key": parts.username,
            "api_secret": parts.password,
            "oauth_token": None,
            "upload_prefix": options.get("upload_prefix", "https://api.cloudinary.com").rstrip("/"),
            "signature_algorithm": options.get("signature_algorithm", "sha1"),
        }
        self._delivery = {
            "cloud_name": parts.hostname,
            "private_cdn": False,
            "secure_distribution": options.get("secure_distribution"),
        }

    def exists(self, name: str) -> bool:
        return False  # names are random, and an upload never overwrites

    def url(self, name: str | None) -> str:
        return cloudinary_url(
            f"{FOLDER}/{name}",
            secure=True,
            force_version=False,
            sign_url=False,
            auth_token=False,
            **self._delivery,
        )[0]

    def _open(self, name: str, mode: str = "rb") -> File:
        try:
            response = urllib3.request("GET", self.url(name), timeout=UPLOAD_TIMEOUT, retries=False, redirect=False)
        except HTTPError as error:
            raise OSError(str(error)) from error
        if response.status != 200:
            raise OSError(f"Cloudinary answered {response.status}")
        return ContentFile(response.data)

    def delete(self, name: str) -> None:
        answer = self._ask(uploader.destroy, _public_id(name), invalidate=True, timeout=DELETE_TIMEOUT)
        if answer.get("result") not in ("ok", "not found"):
            raise OSError("Cloudinary did not delete it")

    def stored_before(self, moment: datetime) -> Iterator[str]:
        """Yield the names of the pictures in FOLDER that are older, from the pages of the Admin API."""
        cursor = None
        while True:
            page = self._ask(
                lambda prefix, **options: api.resources(prefix=prefix, **options),
                f"{FOLDER}/",
                type="upload",
                max_results=500,
                next_cursor=cursor,
                timeout=UPLOAD_TIMEOUT,
            )
            for image in page["resources"]:
                name = f"{image['public_id'].removeprefix(f'{FOLDER}/')}.jpg"
                if datetime.fromisoformat(image["created_at"]) < moment:
                    yield name
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _save(self, name: str, content: File) -> str:
        # Bytes, never a str: the library would open it as a local file, or have Cloudinary fetch it as a URL.
        answer = self._ask(
            uploader.upload,
            bytes(content.read()),
            public_id=_public_id(name),
            overwrite=False,
            filename="avatar.jpg",
            timeout=UPLOAD_TIMEOUT,
        )
        if answer.get("public_id") != _public_id(name):
            raise OSError("Cloudinary did not store it")
        return name

    def _ask(self, call: Callable[..., Any], subject: str | bytes, **options: Any) -> dict[str, Any]:
        try:
            answer = call(subject, resource_type="image", **self._account, **options)
        except (CloudinaryError, HTTPError, LookupError, TypeError, ValueError) as error:
            cause = getattr(error.__context__, "reason", None)
            never_sent = isinstance(cause, NewConnectionError | ConnectTimeoutError)
            raise (ConnectionError if never_sent else OSError)(str(error)) from error
        if not isinstance(answer, dict):
            raise OSError("Cloudinary's answer was not understood")
        return answer


def _public_id(name: str) -> str:
    """Return the id with FOLDER in it, which works in both folder modes of Cloudinary."""
    return f"{FOLDER}/{name.removesuffix('.jpg')}"
