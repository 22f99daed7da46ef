"""POST /api/contacts/batch."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from contactbook.api import exceptions
from contactbook.api.conditional import check_if_match
from contactbook.api.exceptions import Invalid, InvalidItems
from contactbook.api.schema import IDEMPOTENCY_KEY, Problem
from contactbook.db.fields import is_bigint
from contactbook.exceptions import DomainError, TooLargeError
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.models import Book, Contact
from contacts.serializers.batch import BatchInput, BatchItem, BatchOutput
from contacts.serializers.contacts import (
    ContactInput,
    CreateContactInput,
    flat_fields,
    new_card,
    represent_contact,
    with_flat,
)


@extend_schema(tags=["sync"])
class BatchViewSet(ContactBookViewSet):
    """Up to 1,000 writes in one transaction, counted once by the limit."""

    limits = {"run": "contacts_batch"}

    @extend_schema(
        operation_id="batch",
        summary="Write many contacts at once",
        description="Does up to 1,000 writes in one transaction, which count once against the limit. Each item has "
        "its own result with the status that a request for it alone would have, and a refused item does not stop the "
        "others. With `atomic` one refused item makes the whole batch a 422 whose `loc` names the item, and nothing "
        "is done. 413 if the contacts are larger than 16 MB together.",
        request=BatchInput,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: BatchOutput, 507: Problem},
    )
    @idempotent
    def run(self, request: Request) -> Response:
        serializer = BatchInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with self.writing(quota=True) as book:
            book.load(ids_of(given["items"]))
            batch = Batch(book)
            results = [batch.result(i, item) for i, item in enumerate(given["items"])]
            faults = [fault for i, each in enumerate(results) for fault in faults_of(i, each)]
            if given["atomic"] and faults:
                raise InvalidItems(faults)
        return Response({"results": results})


MOST_KEYWORDS = 10_000  # groups that one batch may make: 50,000 take over two seconds


def ids_of(items: list[Any]) -> set[int]:
    ids = (item.get("id") for item in items if isinstance(item, dict))
    return {each for each in ids if is_bigint(each)}


class Batch:
    """The items of one batch. The serializers are made once: that takes longer than validating an item."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.item, self.new_contact, self.contact = BatchItem(), CreateContactInput(), ContactInput()
        self.writes = {"create": self.create, "update": self.update, "delete": self.delete}

    def result(self, i: int, data: Any) -> dict[str, Any]:
        """Write one item; return its status with the contact, or with the faults."""
        loc: tuple[str | int, ...] = ("body", "items", i)
        try:
            item = validated(self.item, data, *loc)
            written = self.writes[item["op"]](item, (*loc, "contact"))
            if len(self.book.new_keywords) > MOST_KEYWORDS:
                raise TooLargeError(f"These contacts are in more than {MOST_KEYWORDS:,} groups. Write fewer.")
            return written
        except TooLargeError:  # the whole batch is
            raise
        except (APIException, DomainError) as error:
            refused = exceptions.as_api_exception(error)
            if isinstance(refused, Invalid) and refused.loc == ("body",):
                refused.loc = (*loc, "contact")
            return {"status": refused.status_code, **exceptions.body(refused)}

    def get(self, item: dict[str, Any]) -> Contact:
        """Return the item's contact; If-Match may name its state before the batch or after the last item."""
        contact = self.book.get(item["id"])
        check_if_match(item.get("if_match"), *self.book.current_etags(contact))
        return contact

    def create(self, item: dict[str, Any], loc: tuple[str | int, ...]) -> dict[str, Any]:
        values = validated(self.new_contact, item["contact"], *loc)
        return {"status": 201, "contact": represent_contact(self.book.create(new_card(values)))}

    def update(self, item: dict[str, Any], loc: tuple[str | int, ...]) -> dict[str, Any]:
        contact = self.get(item)
        values = validated(self.contact, item["contact"], *loc)
        self.book.put_card(contact, with_flat(contact.card, flat_fields(values, contact.phone)))
        return {"status": 200, "contact": represent_contact(contact)}

    def delete(self, item: dict[str, Any], loc: tuple[str | int, ...]) -> dict[str, Any]:
        contact = self.get(item)
        before = represent_contact(contact)
        self.book.delete(contact)
        return {"status": 200, "contact": before}


def validated(serializer: Serializer, data: Any, *loc: str | int) -> dict[str, Any]:
    try:
        values: dict[str, Any] = serializer.run_validation(data)
    except ValidationError as error:
        raise Invalid(loc, error.detail) from None
    return values


def faults_of(i: int, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the faults of an item's result in the form of a 422; none for a success."""
    detail = result.get("detail", [])
    if isinstance(detail, str):
        return [{"loc": ["body", "items", i], "msg": detail, "type": f"status_{result['status']}"}]
    return detail
