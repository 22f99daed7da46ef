"""Errors of the domain. Models raise them; the API's exception handler maps each class to an HTTP status."""


class DomainError(Exception):
    """The base class. The message is one sentence for people."""

    message = "The request could not be carried out."

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.message)


class NotFoundError(DomainError):
    """The row does not exist, or it belongs to another account."""

    message = "Not found"


class ConflictError(DomainError):
    """The write conflicts with what is stored."""

    message = "Already exists"


class InvalidValueError(DomainError):
    """A value of the input refers to something that does not exist; `field` is its name in the body."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TooLargeError(DomainError):
    """The request would read or write more at once than one request may."""

    message = "The request is too large."


class QuotaExceededError(DomainError):
    """The account has used its quota; what adds to it is refused."""

    message = "The account's storage is full. Deleting contacts for good makes room."


class CredentialsError(DomainError):
    """The password was wrong, or it was changed while the request ran."""

    message = "Wrong address or password"


class BusyError(DomainError):
    """The server is overloaded with work of this kind; the client may try again after `retry_after` seconds."""

    message = "The service is busy. Try again in a moment."

    def __init__(self, message: str = "", retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after
