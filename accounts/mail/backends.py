"""SMTP, with one more error than Django's backend; and mails on the terminal where no server is configured."""

import smtplib
import sys
from typing import Any

from django.core.mail.backends.filebased import EmailBackend as FileBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoSMTPBackend


class UnansweredError(smtplib.SMTPException):
    """The mail server got the text and closed the connection before it answered."""


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
    """Prints mails on the terminal and writes them whole to EMAIL_FILE_PATH."""

    def send_messages(self, messages):
        for message in messages:
            print(
                f"\n--- mail to {', '.join(message.to)}: {message.subject}\n{message.body}\n---\n",
                file=sys.stderr,
                flush=True,
            )
        return super().send_messages(messages)
