"""manage.py: mistakes and outages end with one sentence and an exit code, never with a traceback."""

import os
import signal
import subprocess
import sys
from argparse import ArgumentTypeError

import pytest

from contactbook import commands
from contactbook.tests.live import ROOT, base_environment, free_port, migrated_file

pytestmark = pytest.mark.one_stack

FIRST = ("backup", "confirm", "refold")  # the others take a second each, and are run with the long tests
COMMANDS = [
    ("backup", "FOLDER/contacts.zip"),
    ("clear_expired",),
    ("confirm", "ann@example.org"),
    ("createsuperuser", "--noinput", "--email=ann@example.org", "--username=Ann"),
    ("demo",),
    ("export_contacts", "--owner=ann@example.org"),
    ("import_contacts", "manage.py", "--owner=ann@example.org"),
    ("populate", "--users=1"),
    ("prune_accounts",),
    ("prune_closed",),
    ("purge_history",),
    ("refold",),
    ("retry_mails",),
    ("send_emails",),
]


def each(*commands):
    params = [pytest.param(it, id=it[0], marks=() if it[0] in FIRST else pytest.mark.long) for it in commands]
    return pytest.mark.parametrize("command", params)


def manage(folder, *arguments, **variables):
    command = [sys.executable, "manage.py", *(each.replace("FOLDER", str(folder)) for each in arguments)]
    environment = base_environment(folder) | variables
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def sentence(ended):
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    return line


@pytest.fixture
def migrated(tmp_path):
    (tmp_path / "contactbook.sqlite3").write_bytes(migrated_file())
    return tmp_path


@each(*COMMANDS)
def test_in_an_empty_database_a_command_says_that_it_must_be_migrated(tmp_path, command):
    assert "manage.py migrate first" in sentence(manage(tmp_path, *command))


@each(*COMMANDS, ("migrate",))
def test_a_database_that_is_down_is_a_sentence(tmp_path, command):
    ended = manage(tmp_path, *command, DATABASE_URL=f"postgres://u:hunter2@127.0.0.1:{free_port()}/d")
    assert "Connection refused" in sentence(ended) and "hunter2" not in ended.stderr


def test_traceback_shows_where_an_error_was_raised(tmp_path):
    assert "Traceback" in manage(tmp_path, "refold", "--traceback").stderr


def test_a_mail_server_that_is_down_is_a_sentence(tmp_path):
    ended = manage(tmp_path, "sendtestemail", "ann@example.org", EMAIL_URL=f"smtp://127.0.0.1:{free_port()}")
    assert sentence(ended) == "contactbook: Connection refused"


def test_a_question_without_a_terminal_is_a_sentence(migrated):
    manage(migrated, "createsuperuser", "--noinput", "--email=ann@example.org", "--username=Ann")
    ended = manage(migrated, "changepassword", "ann@example.org")
    assert ended.returncode == 1 and "there is no terminal" in ended.stderr and "Traceback" not in ended.stderr


def test_a_superuser_with_an_address_that_is_taken_is_refused(migrated):
    assert manage(migrated, "createsuperuser", "--noinput", "--email=ann@example.org", "--username=Ann").stderr == ""
    ended = manage(migrated, "createsuperuser", "--noinput", "--email=ANN@example.org", "--username=Ann")
    assert sentence(ended) == "CommandError: There is an account with the address ANN@example.org already."


def piped(folder, *arguments):
    command, environment = [sys.executable, "manage.py", *arguments], base_environment(folder)
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_closed_pipe_ends_a_command_without_a_word(migrated):
    manage(migrated, "demo")
    with piped(migrated, "export_contacts", "--owner=demo@example.org") as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


def test_ctrl_c_ends_a_command_with_one_word(tmp_path):
    # A test that runs in the background of a shell inherits an ignored SIGINT, for which Python has no handler.
    code = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
os.kill(os.getpid(), signal.SIGINT)
time.sleep(5)
"""
    ended = manage(tmp_path, "shell", "-v0", "-c", code)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGINT, "contactbook: Stopped.\n")


def test_a_full_disk_under_standard_output_is_a_sentence(migrated):
    manage(migrated, "demo")
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "manage.py", "export_contacts", "--owner=demo@example.org"]
        ended = subprocess.run(command, cwd=ROOT, env=base_environment(migrated), stdout=full, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (1, f"contactbook: {os.strerror(28)}\n".encode())


def test_an_export_to_standard_output_is_utf_8_in_every_locale(migrated):
    manage(migrated, "demo")
    ended = manage(migrated, "export_contacts", "--owner=demo@example.org", PYTHONIOENCODING="ascii:strict")
    assert ended.returncode == 0 and "Żółkiewski" in ended.stdout


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "11", "9" * 30, "٣"])
def test_what_is_no_number_of_these_bounds_is_refused(text):
    with pytest.raises(ArgumentTypeError):
        commands.integer(0, 10)(text)


def test_both_bounds_are_allowed():
    assert [commands.integer(0, 10)(text) for text in ("0", "10")] == [0, 10]
