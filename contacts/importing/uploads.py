"""An uploaded file before it is stored: what is said about it, and its contents piece by piece."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from contactbook.exceptions import TooLargeError
from contacts.importing import readers

MOST_BYTES = 50 * 1024 * 1024
UNPRINTABLE = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")


class Upload:
    """TooLargeError for a file over MOST_BYTES, InvalidValueError for one whose beginning is of no known format."""

    def __init__(self, file: UploadedFile, client: str, options: dict[str, Any]) -> None:
        self.file, self.size = file, file.size or 0
        if self.size > MOST_BYTES:
            raise TooLargeError(f"The file is larger than {MOST_BYTES} bytes.")
        format = readers.format_of(self.head(), options.pop("format"))
        name = UNPRINTABLE.sub("", file.name or "")[:255]
        self.fields = {"filename": name, "format": format, "client": client[:200], **options}

    def head(self) -> bytes:
        self.file.seek(0)
        return self.file.read(readers.HEAD)

    def chunks(self, size: int) -> Iterator[bytes]:
        self.file.seek(0)
        while piece := self.file.read(size):
            yield piece
