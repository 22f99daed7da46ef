"""The thread of a process that runs the steps of imports, one at a time. A commit that begins a step wakes it up."""

import logging
import threading

from django.db import DatabaseError, close_old_connections

from contacts.importing.steps import Run
from contacts.models import Import
from contacts.models.imports import wakeup

logger = logging.getLogger(__name__)

POLL = 5  # seconds between checks for steps that other processes began or left
PORTION_SECONDS = 20  # that a process which ends waits for the current portion


class Runner:
    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run_forever, name="imports", daemon=True)

    def run_forever(self) -> None:
        while not self.stopping.is_set():
            try:
                close_old_connections()
                self.run_due()
            except DatabaseError as error:
                logger.warning("Imports wait: the database does not answer (%s).", type(error).__name__)
            except Exception:
                logger.exception("Imports wait: unexpected error")
            wakeup.wait(POLL)
            wakeup.clear()

    def run_due(self) -> int:
        """Run every step that is due; return how many."""
        count = 0
        while not self.stopping.is_set() and (job := Import.objects.claim()):
            Run(job, self.stopping).step()
            count += 1
        return count

    def stop(self) -> None:
        """End the thread after the current portion."""
        self.stopping.set()
        wakeup.set()
        self.thread.join(PORTION_SECONDS)


running: Runner | None = None


def start() -> None:
    global running
    running = Runner()
    running.thread.start()


def stop() -> None:
    if running:
        running.stop()
