"""The error gallery: every exception, and the exact answer that it becomes."""

import errno
import inspect
import logging

import psycopg2.errors
import pytest
from django.core import exceptions as django_exceptions
from django.db import DataError, IntegrityError, InterfaceError, InternalError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.test import APIClient
from rest_framework_simplejwt.exceptions import InvalidToken

from contactbook import exceptions as domain
from contactbook.api import exceptions as errors
from contacts.api.contacts import ContactViewSet

BUSY = "The service is busy. Try again in a moment."
OURS = "Something went wrong on our side."


def caused(error, cause):
    error.__cause__ = cause
    return error


def challenge(error):
    error.auth_header = "Bearer"
    return error


READ_ONLY = type("ReadOnly", (psycopg2.errors.ReadOnlySqlTransaction,), {"pgcode": "25006"})
FULL = "The account's storage is full. Deleting contacts for good makes room."
GALLERY = [
    (domain.NotFoundError("Contact was not found"), 404, "Contact was not found", {}),
    (domain.NotFoundError(), 404, "Not found", {}),
    (domain.ConflictError(), 409, "Already exists", {}),
    (domain.TooLargeError("Ask for fewer."), 413, "Ask for fewer.", {}),
    (domain.TooLargeError(), 413, "The request is too large.", {}),
    (domain.QuotaExceededError(), 507, FULL, {}),
    (errors.InsufficientStorage(), 507, "The account's storage is full.", {}),
    (challenge(domain.CredentialsError()), 401, "Wrong address or password", {}),
    (domain.BusyError(), 503, BUSY, {"Retry-After": "5"}),
    (errors.BadRequest(), 400, "The request could not be understood.", {}),
    (django_exceptions.SuspiciousOperation("x"), 400, "The request could not be understood.", {}),
    (django_exceptions.DisallowedHost("x"), 400, "The request could not be understood.", {}),
    (UnreadablePostError("x"), 400, "The request could not be understood.", {}),
    (
        challenge(exceptions.NotAuthenticated()),
        401,
        "Authentication credentials were not provided.",
        {"WWW-Authenticate": "Bearer"},
    ),
    (
        challenge(exceptions.AuthenticationFailed("No.")),
        401,
        "No.",
        {"WWW-Authenticate": "Bearer"},
    ),
    (challenge(InvalidToken("No.")), 401, "No.", {"WWW-Authenticate": "Bearer"}),
    (exceptions.PermissionDenied(), 403, "You do not have permission to perform this action.", {}),
    (
        django_exceptions.PermissionDenied("secret"),
        403,
        "You do not have permission to perform this action.",
        {},
    ),
    (exceptions.NotFound("Contact was not found"), 404, "Contact was not found", {}),
    (Http404(), 404, "Not found", {}),
    (exceptions.MethodNotAllowed("PUT"), 405, 'Method "PUT" not allowed.', {}),
    (errors.Conflict(), 409, "Already exists", {}),
    (
        IntegrityError("Key (email)=(a@b) exists"),
        409,
        "This conflicts with a change that was made at the same time.",
        {},
    ),
    (errors.LengthRequired(), 411, "Send the body with its Content-Length.", {}),
    (errors.PreconditionFailed(), 412, "The contact was changed meanwhile.", {}),
    (errors.TooLarge(), 413, "The body is too large.", {}),
    (django_exceptions.RequestDataTooBig(), 413, "The body is too large.", {}),
    (exceptions.UnsupportedMediaType("a/b"), 415, 'Unsupported media type "a/b" in request.', {}),
    (
        exceptions.Throttled(12.3),
        429,
        "Request was throttled. Expected available in 13 seconds.",
        {"Retry-After": "13"},
    ),
    (exceptions.Throttled(0), 429, None, {"Retry-After": "1"}),
    (errors.Unavailable(), 503, BUSY, {"Retry-After": "5"}),
    (OperationalError("host=10.0.0.1 password=x"), 503, BUSY, {"Retry-After": "5"}),
    (OperationalError("database is locked"), 503, BUSY, {"Retry-After": "5"}),
    (caused(OperationalError(), psycopg2.errors.DiskFull()), 503, BUSY, {"Retry-After": "5"}),
    (OperationalError("database or disk is full"), 503, BUSY, {"Retry-After": "5"}),
    (OperationalError("disk I/O error"), 503, BUSY, {"Retry-After": "5"}),
    (OSError(errno.ENOSPC, "No space left on device", "/secret"), 503, BUSY, {"Retry-After": "5"}),
    (caused(OperationalError(), psycopg2.errors.SerializationFailure()), 503, BUSY, {"Retry-After": "5"}),
    (caused(OperationalError(), psycopg2.errors.TooManyConnections()), 503, BUSY, {"Retry-After": "5"}),
    (caused(OperationalError(), psycopg2.errors.DeadlockDetected()), 503, BUSY, {"Retry-After": "5"}),
    (InterfaceError("connection already closed"), 503, BUSY, {"Retry-After": "5"}),
    (caused(InternalError("read-only"), READ_ONLY()), 503, BUSY, {"Retry-After": "5"}),
    (InternalError("something else"), 500, OURS, {}),
    (DataError("value"), 500, OURS, {}),
    (exceptions.APIException("Something went wrong on our side."), 500, OURS, {}),
    (KeyError("secret"), 500, OURS, {}),
    (RecursionError("secret"), 500, OURS, {}),
    (MemoryError(), 500, OURS, {}),
]
FAULTS = [
    (
        domain.InvalidValueError("group", "There is no such group."),
        [{"loc": ["body", "group"], "msg": "There is no such group.", "type": "value_error"}],
    ),
    (
        errors.InvalidItems([{"loc": ["body", "items", 0], "msg": "No.", "type": "status_404"}]),
        [{"loc": ["body", "items", 0], "msg": "No.", "type": "status_404"}],
    ),
    (
        errors.Invalid("path", {"contact_id": ["A number."]}),
        [{"loc": ["path", "contact_id"], "msg": "A number.", "type": "value_error"}],
    ),
    (
        errors.Invalid("query", {"skip": [exceptions.ErrorDetail("Too small.", "min_value")]}),
        [{"loc": ["query", "skip"], "msg": "Too small.", "type": "greater_than_equal"}],
    ),
    (
        exceptions.ValidationError({"tags": {1: ["Bad."], 3: ["Worse."]}}),
        [
            {"loc": ["body", "tags", 1], "msg": "Bad.", "type": "value_error"},
            {"loc": ["body", "tags", 3], "msg": "Worse.", "type": "value_error"},
        ],
    ),
    (
        exceptions.ValidationError({"a": ["One.", "Two."]}),
        [
            {"loc": ["body", "a"], "msg": "One.", "type": "value_error"},
            {"loc": ["body", "a"], "msg": "Two.", "type": "value_error"},
        ],
    ),
    (
        exceptions.ValidationError({"non_field_errors": ["All of it."]}),
        [{"loc": ["body"], "msg": "All of it.", "type": "value_error"}],
    ),
    (exceptions.ValidationError("Plain."), [{"loc": ["body"], "msg": "Plain.", "type": "value_error"}]),
    (exceptions.ParseError("No JSON."), [{"loc": ["body"], "msg": "No JSON.", "type": "json_invalid"}]),
]


def name_of(value):
    return type(value).__name__ if isinstance(value, Exception) else ""


def test_every_exception_class_of_the_product_is_in_the_gallery():
    shown = {type(error) for error, *_ in [*GALLERY, *FAULTS]}
    own = {
        each
        for module in (domain, errors)
        for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__ and issubclass(each, Exception)
    }
    assert own - shown == {domain.DomainError}, "the base class is never raised"


def test_a_domain_error_without_a_status_is_a_fault_of_the_program():
    with pytest.raises(TypeError, match="has no HTTP status"):
        errors.as_api_exception(domain.DomainError())


@pytest.mark.one_stack
@pytest.mark.parametrize(("error", "status", "sentence", "headers"), GALLERY, ids=name_of)
def test_an_exception_becomes_this_status_body_and_headers(error, status, sentence, headers):
    answer = errors.exception_handler(error, {})
    assert answer.status_code == status
    assert answer.data == {"detail": sentence or answer.data["detail"]}
    answer.headers.pop("Content-Type")  # the renderer sets it
    assert dict(answer.headers) == headers


@pytest.mark.one_stack
@pytest.mark.parametrize(("error", "faults"), FAULTS, ids=name_of)
def test_faults_are_a_422_with_an_entry_each(error, faults):
    answer = errors.exception_handler(error, {})
    assert (answer.status_code, answer.data) == (422, {"detail": faults})


def test_nothing_of_the_exception_is_told():
    for error, _, _, _ in GALLERY:
        text = str(errors.exception_handler(error, {}).data)
        assert not any(word in text for word in ("secret", "password=", "10.0.0.1", "a@b"))


# Answers of Django itself, where no view is reached


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "extra", "status"),
    [
        ("get", "/api", {}, 404),
        ("get", "/api/nowhere", {}, 404),
        ("get", "/api/nothing/1/2/3", {}, 404),
        ("get", "/api/contacts", {"HTTP_HOST": "evil.example"}, 400),
        ("get", "/api/nowhere", {"HTTP_HOST": "a b"}, 400),
        ("delete", "/api/auth/login", {}, 405),
        ("post", "/api/auth/login", {"content_type": "text/plain", "data": "x"}, 415),
        ("get", "/api/contacts", {}, 401),
        ("get", "/healthz/nothing", {}, 404),
    ],
)
def test_under_api_nothing_is_html_whatever_debug_says(as_nobody, settings, debug, method, path, extra, status):
    settings.DEBUG = debug
    answer = getattr(as_nobody, method)(path, **extra)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_tells_nothing_and_is_logged(as_alice, settings, monkeypatch, caplog, debug):
    settings.DEBUG = debug
    monkeypatch.setattr(ContactViewSet, "list", lambda *args: 1 / 0)
    with caplog.at_level(logging.ERROR):
        answer = as_alice.get("/api/contacts")
    assert (answer.status_code, answer.json()) == (500, {"detail": OURS})
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"), [(OperationalError("x"), 503), (InterfaceError("x"), 503), (KeyError("x"), 500)]
)
def test_an_error_of_a_page_is_a_page(as_nobody, monkeypatch, error, status, caplog):
    def raises(*args, **kwargs):
        raise error

    monkeypatch.setattr("accounts.tokens.user_of_reset_link", raises)
    with caplog.at_level(logging.WARNING):
        answer = as_nobody.get("/reset/SECRET-OF-A-LINK")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert answer.get("Retry-After") == ("5" if status == 503 else None)
    assert "SECRET-OF-A-LINK" not in "".join(record.getMessage() for record in caplog.records)


def test_a_post_without_its_csrf_token_is_a_page():
    answer = APIClient(enforce_csrf_checks=True).post("/reset", {"email": "a@example.org"})
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/html")


def test_an_error_that_replaces_a_page_has_its_own_length():
    """A client would wait for the rest of the page, or take the next answer for it."""
    answer = APIClient(enforce_csrf_checks=True).post("/healthz")
    assert (answer.status_code, answer.json()) == (403, {"detail": "This is not allowed."})
    assert int(answer.headers.get("Content-Length", len(answer.content))) == len(answer.content)
