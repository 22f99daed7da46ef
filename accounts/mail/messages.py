"""The texts of e-mails, by one function for each kind. Links are made when an e-mail is sent, from PUBLIC_URL only."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.addresses import smtp_address
from accounts.models import OutgoingEmail, User
from accounts.tokens import ConfirmToken, ResetToken, UnsubscribeToken

Composer = Callable[[OutgoingEmail, User], EmailMultiAlternatives | None]

composers: dict[str, Composer] = {}  # by kind


def composes(kind: str) -> Callable[[Composer], Composer]:
    """Register the function that composes the e-mails of a kind."""

    def register(composer: Composer) -> Composer:
        composers[kind] = composer
        return composer

    return register


def compose(email: OutgoingEmail) -> EmailMultiAlternatives | None:
    """Return the message, from the account's current state; None if it need not be sent any more."""
    user = email.user or User.objects.by_address(email.address)
    if user is None or not user.is_active:
        return None
    return composers[email.kind](email, user)


@composes(OutgoingEmail.Kind.CONFIRM)
def confirm(email: OutgoingEmail, user: User) -> EmailMultiAlternatives | None:
    if user.confirmed_at:
        return None
    link = f"{settings.PUBLIC_URL}/api/email/confirm/{ConfirmToken.of(user)}"
    return message(email, user, "Confirm your address", link)


@composes(OutgoingEmail.Kind.RESET)
def reset(email: OutgoingEmail, user: User) -> EmailMultiAlternatives:
    return message(email, user, "Set a new password", f"{settings.PUBLIC_URL}/reset/{ResetToken.of(user)}")


@composes(OutgoingEmail.Kind.PASSWORD_CHANGED)
def password_changed(email: OutgoingEmail, user: User) -> EmailMultiAlternatives:
    return message(email, user, "Your password was changed", f"{settings.PUBLIC_URL}/reset")


@composes(OutgoingEmail.Kind.ACCOUNT_CLOSED)
def account_closed(email: OutgoingEmail, user: User) -> EmailMultiAlternatives | None:
    if user.closed_at is None:  # a login has opened it again
        return None
    return message(email, user, "Your account is closed", f"{settings.PUBLIC_URL}/reset")


def unsubscribable_message(email: OutgoingEmail, user: User, subject: str, **context: Any) -> EmailMultiAlternatives:
    """Return a message with a link that turns reminders off; mail programs may do it by one click (RFC 8058)."""
    link = f"{settings.PUBLIC_URL}/reminders/off/{UnsubscribeToken.of(user)}"
    mail = message(email, user, subject, link, **context)
    mail.extra_headers |= {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return mail


def message(email: OutgoingEmail, user: User, subject: str, link: str, **context: Any) -> EmailMultiAlternatives:
    """Return a message in text and HTML to the stored address, never to the one that a client sent.

    The account's name is left out: anybody can sign up with a stranger's address and put a message into the name.
    """
    context |= {
        "user": user,
        "email": email,
        "link": link,
        "subject": subject,
        "public_url": settings.PUBLIC_URL,
        "confirm_days": settings.CONFIRM_LINK_LIFETIME.days,
        "reset_minutes": int(settings.RESET_LINK_LIFETIME.total_seconds()) // 60,
    }
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    mail = EmailMultiAlternatives(
        subject,
        render_to_string(f"mail/{email.kind}.txt", context).strip() + "\n",
        to=[smtp_address(user.email)],
        headers={"Message-ID": f"<{email.message_id}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"mail/{email.kind}.html", context), "text/html")
    return mail
