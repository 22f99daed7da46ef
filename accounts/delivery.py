"""Sends what waits, in the background of the process that serves: one thread, woken by each commit."""

import logging
import smtplib
import threading

from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import get_connection
from django.db import DatabaseError, close_old_connections

from .emails import compose
from .models import Letter
from .models.letter import due

logger = logging.getLogger(__name__)

POLL = 5  # seconds, at which letters of other processes, and postponed ones, are looked for
wake = due.set


def start() -> None:
    threading.Thread(target=deliver_forever, name="delivery", daemon=True).start()


def deliver_forever() -> None:
    while True:
        try:
            close_old_connections()
            deliver()
        except DatabaseError as error:
            logger.warning("Letters wait: the database does not answer (%s).", type(error).__name__)
        except Exception:
            logger.exception("Letters wait: unexpected error")
        due.wait(POLL)
        due.clear()


def deliver() -> int:
    """Sends every letter that is due; returns how many went out."""
    sent = 0
    while letter := Letter.objects.claim():
        sent += send(letter)
    return sent


def send(letter: Letter) -> bool:
    try:
        message = compose(letter)
        if message:
            get_connection().send_messages([message])
    except DatabaseError:
        raise
    except Exception as error:
        # Any provider raises errors of its own; whichever it was, the letter stays.
        logger.warning("Letter %s was not sent (%s).", letter.pk, type(error).__name__)
        letter.postpone(error, final=refused_for_good(error))
        return False
    letter.delete()
    return message is not None


def refused_for_good(error: Exception) -> bool:
    """Whether the server will never take this letter: a 5xx (RFC 5321 §4.2.1) to its address or its text."""
    if isinstance(error, smtplib.SMTPDataError):
        return 500 <= error.smtp_code < 600
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress)
