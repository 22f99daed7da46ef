"""Working through many rows without one long transaction, and saying how far it is."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import QuerySet

BATCH = 500  # rows a transaction
WIDTH = 30  # characters of the bar


def in_batches(command: BaseCommand, rows: QuerySet[Any], work: Callable[[list[Any]], int]) -> int:
    """Hands the keys of `rows` to `work`, batch by batch; returns the sum of what it returned."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    done = 0
    for start in range(0, len(keys), BATCH):
        done += work(keys[start : start + BATCH])
        bar(command, min(start + BATCH, len(keys)), len(keys))
    return done


def bar(command: BaseCommand, done: int, total: int) -> None:
    """On a terminal alone: a log wants no bars."""
    if not command.stderr.isatty():
        return
    filled = WIDTH * done // total
    end = "\n" if done == total else ""
    command.stderr.write(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {total:,}", ending=end)
