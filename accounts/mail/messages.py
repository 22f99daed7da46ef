"""The letters: one function each. Links are made here, when a letter is sent, from PUBLIC_URL alone."""

import smtplib
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.filebased import EmailBackend as FileBackend
from django.core.mail.backends.smtp import EmailBackend as DjangosSMTPBackend
from django.template.loader import render_to_string

from accounts.models import Letter, User
from accounts.tokens import ConfirmToken, ResetToken


def compose(letter: Letter) -> EmailMultiAlternatives | None:
    """The mail that a letter has become by now; None where there is nothing to send (any more)."""
    user = User.objects.by_address(letter.address)
    if user is None or not user.is_active:
        return None
    return {
        Letter.Kind.CONFIRM: confirm,
        Letter.Kind.RESET: reset,
        Letter.Kind.PASSWORD_CHANGED: password_changed,
        Letter.Kind.ACCOUNT_CLOSED: account_closed,
    }[Letter.Kind(letter.kind)](letter, user)


def confirm(letter: Letter, user: User) -> EmailMultiAlternatives | None:
    if user.confirmed_at:
        return None
    link = f"{settings.PUBLIC_URL}/api/email/confirm/{ConfirmToken.of(user)}"
    return mail(letter, user, "Confirm your address", link)


def reset(letter: Letter, user: User) -> EmailMultiAlternatives:
    return mail(letter, user, "Set a new password", f"{settings.PUBLIC_URL}/reset/{ResetToken.of(user)}")


def password_changed(letter: Letter, user: User) -> EmailMultiAlternatives:
    return mail(letter, user, "Your password was changed", f"{settings.PUBLIC_URL}/reset")


def account_closed(letter: Letter, user: User) -> EmailMultiAlternatives | None:
    if user.closed_at is None:  # opened again before this was sent
        return None
    return mail(letter, user, "Your account is closed", f"{settings.PUBLIC_URL}/reset")


def mail(letter: Letter, user: User, subject: str, link: str) -> EmailMultiAlternatives:
    """To the stored address (never the one that was typed), in text and HTML.

    The account's name is left out: whoever signs up with a stranger's address could write to them by it.
    """
    context = {
        "user": user,
        "letter": letter,
        "link": link,
        "subject": subject,
        "public_url": settings.PUBLIC_URL,
        "confirm_days": settings.CONFIRM_LINK_LIFETIME.days,
        "reset_minutes": int(settings.RESET_LINK_LIFETIME.total_seconds()) // 60,
    }
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    message = EmailMultiAlternatives(
        subject,
        render_to_string(f"mail/{letter.kind}.txt", context).strip() + "\n",
        to=[user.email],
        headers={"Message-ID": f"<{letter.message_id}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string(f"mail/{letter.kind}.html", context), "text/html")
    return message


class Unanswered(smtplib.SMTPException):
    """The mail server was given the text, and was gone before it said whether it took it."""


class Asking:
    def data(self, msg: Any) -> Any:
        try:
            return super().data(msg)  # type: ignore[misc]
        except smtplib.SMTPResponseException:
            raise
        except OSError as error:
            raise Unanswered from error


class SMTP(Asking, smtplib.SMTP):
    pass


class SMTPOverTLS(Asking, smtplib.SMTP_SSL):
    pass


class SMTPBackend(DjangosSMTPBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return SMTPOverTLS if self.use_ssl else SMTP


class TerminalBackend(FileBackend):
    """Where no mail server is configured: printed on the terminal, and kept whole under VAR_DIR/mail."""

    def send_messages(self, messages):
        for message in messages:
            print(
                f"\n--- mail to {', '.join(message.to)}: {message.subject}\n{message.body}\n---\n",
                file=sys.stderr,
                flush=True,
            )
        return super().send_messages(messages)
