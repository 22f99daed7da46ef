"""The product's own, and a line in a file for every request that a worker has read."""

import os

from contactbook.gunicorn_conf import *  # noqa: F403
from contactbook.tests.chaos.client import NAME

READ = os.open(os.environ["CHAOS_READ"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def pre_request(worker, request):
    names = [value for name, value in request.headers if name == NAME.upper()]
    os.write(READ, "".join(f"{name}\n" for name in names).encode())
