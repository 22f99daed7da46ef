"""Classification of database errors."""

from django.db import InterfaceError, OperationalError, connection

ROLLED_BACK = {"40001", "40P01"}  # SQLSTATE: serialization failure, deadlock
READ_ONLY = "25006"  # SQLSTATE of a write on a standby
LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE after lock_timeout


def sqlstate(exc: BaseException | None) -> str:
    """Return PostgreSQL's code for the failure; empty where there is none."""
    return getattr(exc and exc.__cause__, "pgcode", None) or ""


def first_line(exc: BaseException) -> str:
    """Return the message without the details and hints of PostgreSQL; the name of the class if it has none."""
    return str(exc).strip().partition("\n")[0] or type(exc).__name__


def is_unavailable(exc: BaseException | None) -> bool:
    """Return whether the database does not answer or takes no writes. A connection to a standby is closed."""
    if sqlstate(exc) == READ_ONLY:
        connection.close()
        return True
    return isinstance(exc, OperationalError | InterfaceError)


def is_rolled_back(exc: BaseException | None) -> bool:
    """Return whether the database rolled this transaction back in favour of another one."""
    return sqlstate(exc) in ROLLED_BACK
