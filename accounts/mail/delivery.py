"""Delivery of queued e-mails by a thread of the server, which each commit that queues an e-mail wakes up."""

import logging
import smtplib
import threading
from collections.abc import Callable

import requests
from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import DatabaseError, close_old_connections

from accounts.mail.backends import UnansweredError
from accounts.mail.messages import compose
from accounts.models import OutgoingEmail, User
from accounts.models.email import queued

logger = logging.getLogger(__name__)

POLL = 5  # seconds between checks for e-mails that other processes queued and for postponed ones
sent: set[int] = set()  # ids of sent e-mails whose rows are still to be deleted


def start() -> None:
    threading.Thread(target=deliver_forever, name="delivery", daemon=True).start()


def deliver_forever() -> None:
    while True:
        for work in (User.objects.queue_due_reminders, deliver):
            attempt(work)
        queued.wait(POLL)
        queued.clear()


def attempt(work: Callable[[], int]) -> None:
    """Do the work, or log why it waits for the next time."""
    try:
        close_old_connections()
        work()
    except DatabaseError as error:
        logger.warning("E-mails wait: the database does not answer (%s).", type(error).__name__)
    except Exception:
        logger.exception("E-mails wait: unexpected error")


def deliver() -> int:
    """Send every e-mail that is due; return how many were sent."""
    count = 0
    delete_sent()
    while email := OutgoingEmail.objects.claim():
        count += send(email)
        delete_sent()
    return count


def send(email: OutgoingEmail) -> bool:
    """Send one e-mail, or postpone it; return whether a message was sent."""
    try:
        message = composed(email)
        if message:
            get_connection().send_messages([message])
    except DatabaseError:
        raise
    except Exception as error:
        # Every provider raises its own errors; after any of them the e-mail stays queued.
        name = OutgoingEmail.UNANSWERED if may_have_arrived(error) else type(error).__name__
        logger.warning("E-mail %s was not sent (%s).", email.pk, type(error.__cause__ or error).__name__)
        email.postpone(name, final=is_refused_for_good(error))
        return False
    sent.add(email.pk)
    return message is not None


def delete_sent() -> None:
    """Delete the rows of sent e-mails. If the database fails, their ids stay in `sent`, so none is sent twice."""
    done = set(sent)
    if done:
        OutgoingEmail.objects.filter(pk__in=done).delete()
        sent.difference_update(done)


class Unwritten(Exception):
    """The message could not be composed, because of a bug; later e-mails to the address do not wait for it."""


def composed(email: OutgoingEmail) -> EmailMultiAlternatives | None:
    try:
        return compose(email)
    except DatabaseError:
        raise
    except Exception as error:
        raise Unwritten from error


def may_have_arrived(error: Exception) -> bool:
    """Return whether the whole message was sent and only the answer is missing."""
    return isinstance(error, UnansweredError | requests.ReadTimeout)


def is_refused_for_good(error: Exception) -> bool:
    """Return whether the server rejected the address or the text permanently, with a 5xx (RFC 5321 §4.2.1)."""
    if isinstance(error, smtplib.SMTPDataError):
        return 500 <= error.smtp_code < 600
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress)
