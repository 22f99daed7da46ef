"""Responses that read a whole book. A bound on how many are sent at once leaves threads for short requests."""

import contextlib
import threading

from django.conf import settings
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from contactbook.exceptions import BusyError

SLOTS = threading.BoundedSemaphore(settings.THREADS // 2)
BUSY = "Other accounts are being read as a whole. Try again in a moment."


def reserved_slot() -> contextlib.ExitStack:
    """Reserve one of the threads that may read a whole book at once; BusyError if there is none."""
    if not SLOTS.acquire(blocking=False):
        raise BusyError(BUSY)
    slot = contextlib.ExitStack()
    slot.callback(SLOTS.release)
    return slot


class ReservedSlot(HttpResponseBase):
    """The base of responses with a `slot`: it is closed when the response was sent or the client has disconnected."""

    slot = contextlib.ExitStack()

    def close(self) -> None:
        super().close()
        self.slot.close()


class ArchiveResponse(ReservedSlot, FileResponse):
    pass


class StreamedResponse(ReservedSlot, StreamingHttpResponse):
    pass
