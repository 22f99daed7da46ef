"""Processing of many rows in batches, with a progress bar, for management commands."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import QuerySet

BATCH = 500  # rows in one transaction
BAR_WIDTH = 30  # characters


def in_batches(command: BaseCommand, rows: QuerySet[Any], work: Callable[[list[Any]], int]) -> int:
    """Call `work` with the keys of each batch of the rows; return the sum of its results."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    done = 0
    for start in range(0, len(keys), BATCH):
        done += work(keys[start : start + BATCH])
        show_progress(command, min(start + BATCH, len(keys)), len(keys))
    return done


def show_progress(command: BaseCommand, done: int, total: int) -> None:
    """Draw a progress bar, if the command runs on a terminal."""
    if not command.stderr.isatty():
        return
    filled = BAR_WIDTH * done // total
    end = "\n" if done == total else ""
    command.stderr.write(f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done:,} of {total:,}", ending=end)
