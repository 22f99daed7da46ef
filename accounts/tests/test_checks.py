"""What `manage.py check --deploy` says of a deployment"""

import sqlite3

from accounts.checks import sqlite_may_corrupt


def test_it_works(settings):
    settings.DATABASE_URL = ""
    found = [warning.id for warning in sqlite_may_corrupt(None)]
    assert found == (["contactbook.W001"] if sqlite3.sqlite_version_info < (3, 51, 3) else [])


def test_postgresql_is_no_matter_of_sqlite(settings):
    settings.DATABASE_URL = "postgres://localhost/x"
    assert sqlite_may_corrupt(None) == []
