"""E-mail backends: SMTP with an error for a missing answer, and the terminal where no mail server is configured."""

import smtplib
import sys
from typing import Any

from django.core.mail.backends.filebased import EmailBackend as FileBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoSMTPBackend


class UnansweredError(smtplib.SMTPException):
    """The connection failed after the message was sent, and before the mail server answered."""


class UnansweredMixin:
    def data(self, msg: Any) -> Any:
        try:
            return super().data(msg)  # type: ignore[misc]
        except smtplib.SMTPResponseException:
            raise
        except OSError as error:
            raise UnansweredError from error


class SMTP(UnansweredMixin, smtplib.SMTP):
    pass


class SMTPOverTLS(UnansweredMixin, smtplib.SMTP_SSL):
    pass


class SMTPBackend(DjangoSMTPBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return SMTPOverTLS if self.use_ssl else SMTP


class TerminalBackend(FileBackend):
    """Prints the text of e-mails on the terminal, and writes the complete messages to EMAIL_FILE_PATH."""

    def send_messages(self, messages):
        for message in messages:
            print(
                f"\n--- mail to {', '.join(message.to)}: {message.subject}\n{message.body}\n---\n",
                file=sys.stderr,
                flush=True,
            )
        return super().send_messages(messages)
