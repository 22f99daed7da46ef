"""Sends what waits, in the background of the process that serves: one thread, woken by each commit."""

import logging
import smtplib
import threading

import requests
from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import DatabaseError, close_old_connections

from accounts.mail.messages import Unanswered, compose
from accounts.models import Letter
from accounts.models.email import due

logger = logging.getLogger(__name__)

POLL = 5  # seconds, at which letters of other processes, and postponed ones, are looked for
wake = due.set
sent: set[int] = set()  # ids of letters that went out, for as long as the database cannot be told


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
    count = 0
    forget_sent()
    while letter := Letter.objects.claim():
        count += send(letter)
        forget_sent()
    return count


def send(letter: Letter) -> bool:
    try:
        message = written(letter)
        if message:
            get_connection().send_messages([message])
    except DatabaseError:
        raise
    except Exception as error:
        # Any provider raises errors of its own; whichever it was, the letter stays.
        name = Letter.UNANSWERED if may_have_arrived(error) else type(error).__name__
        logger.warning("Letter %s was not sent (%s).", letter.pk, type(error.__cause__ or error).__name__)
        letter.postpone(name, final=refused_for_good(error))
        return False
    sent.add(letter.pk)
    return message is not None


def forget_sent() -> None:
    """Where the database is away just now, they are remembered here, and not sent again."""
    done = set(sent)
    if done:
        Letter.objects.filter(pk__in=done).delete()
        sent.difference_update(done)


class Unwritten(Exception):
    """Our own fault, so no other letter waits for this one."""


def written(letter: Letter) -> EmailMultiAlternatives | None:
    try:
        return compose(letter)
    except DatabaseError:
        raise
    except Exception as error:
        raise Unwritten from error


def may_have_arrived(error: Exception) -> bool:
    """Whether all of it was handed over, and only the answer is missing."""
    return isinstance(error, Unanswered | requests.ReadTimeout)


def refused_for_good(error: Exception) -> bool:
    """Whether the server will never take this letter: a 5xx (RFC 5321 §4.2.1) to its address or its text."""
    if isinstance(error, smtplib.SMTPDataError):
        return 500 <= error.smtp_code < 600
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress)
