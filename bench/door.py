"""Sixteen threads that create contacts through the product's own door, without HTTP: `python -m bench.door SECONDS`
prints how many a second are committed. A write that is refused ends it."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import django

django.setup()

from django.db import connection

from bench.stage import SERVER_CORES
from contactbook.api.viewsets import validated
from contacts.models import Book
from contacts.serializers.contacts import NewContactInput, new_card

WRITERS = 16
BODY = {
    "fullname": "Zoë Nový",
    "email": "zoe@example.org",
    "phone_number": 420255500000,
    "birthday": "1990-01-11",
    "additional": "Met at the station",
}


def write(owners, until, place):
    """How many, one owner after the other, until then."""
    card, done = new_card(validated(NewContactInput, BODY)), 0
    while time.perf_counter() < until:
        with Book.objects.writing(owners[(place + done * WRITERS) % len(owners)], "rest", "bench") as book:
            book.create(card)
        done += 1
    connection.close()
    return done


def main(seconds):
    os.sched_setaffinity(0, SERVER_CORES)
    owners = list(Book.objects.order_by("user_id").values_list("user_id", flat=True)[:50])
    begun = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        done = sum(pool.map(partial(write, owners, begun + seconds), range(WRITERS)))
    print(json.dumps(done / (time.perf_counter() - begun)))


if __name__ == "__main__":
    main(float(sys.argv[1]))
