"""History, trash, undo, changes, batch and groups: what the log of every write makes possible."""

from typing import Any

from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api import conditional
from contactbook.api import exceptions as errors
from contactbook.api import viewsets as api
from contactbook.api.exceptions import Conflict, InvalidItems, within
from contactbook.api.renderers import as_json, json_list
from contactbook.api.schema import documented
from contactbook.api.viewsets import validated
from contacts import history
from contacts.api.base import Contacts
from contacts.models import Book, Contact, ContactQuerySet, Group, GroupQuerySet
from contacts.models.book import book_key
from contacts.serializers.contacts import (
    CARD_COLUMNS,
    COLUMNS,
    ContactInput,
    NewContactInput,
    WholeContactOutput,
    flat_changes,
    new_card,
    represent,
    represent_one,
)
from contacts.serializers.log import (
    BatchInput,
    BatchItem,
    BatchOutput,
    ChangesOutput,
    ChangesQuery,
    DeletedContactOutput,
    GroupInput,
    GroupOutput,
    GroupPath,
    HistoryOutput,
    PageQuery,
    RestoreInput,
    UndoInput,
    UndoOutput,
)


class HistoryViewSet(Contacts):
    """What became of one contact, also of one in the trash."""

    limits = {"list": "contacts_history", "restore": "contacts_restore"}

    def everything(self) -> ContactQuerySet:
        return Contact.objects.all_of(self.caller.pk)

    @documented("listHistory", "What became of a contact", query=PageQuery, response=[HistoryOutput])
    def list(self, request: Request, contact_id: str) -> Response:
        asked = api.asked(PageQuery, request)
        return Response(history.of_contact(self.everything().by_id(self.contact_id()), **asked))

    @documented(
        "restoreContact",
        "A contact as it was after a change",
        request=RestoreInput,
        response=WholeContactOutput,
        headers=("ETag",),
        errors=(409,),
        idempotent=True,
    )
    def restore(self, request: Request, contact_id: str) -> Response:
        asked = validated(RestoreInput, request.data)
        with self.writing() as book:
            contact = self.everything().by_id(self.contact_id())
            history.restored(book, contact, asked["to"], asked.get("fields"))
        return self.one(contact)


class TrashViewSet(Contacts):
    limits = {"list": "contacts_trash", "restore": "trash_restore", "purge": "trash_purge"}

    @documented(
        "listTrash",
        "Deleted contacts",
        query=PageQuery,
        response=[DeletedContactOutput],
        headers=("X-Total-Count",),
    )
    def list(self, request: Request) -> Response:
        asked = api.asked(PageQuery, request)
        trash = Contact.objects.trash_of(self.caller.pk).order_by("-deleted_at", "-id")
        page = trash[asked["skip"] : asked["skip"] + asked["limit"]]
        rows = [{**represent_one(contact), "deleted_at": contact.deleted_at} for contact in page]
        return Response(rows, headers={"X-Total-Count": str(trash.count())})

    @documented(
        "restoreFromTrash",
        "Take a contact out of the trash",
        response=WholeContactOutput,
        headers=("ETag",),
        idempotent=True,
    )
    def restore(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = book.restore(book.get_from_trash(self.contact_id()))
        return self.one(contact)

    @documented("purgeFromTrash", "Delete a contact for good", response=WholeContactOutput)
    def purge(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = book.get_from_trash(self.contact_id())
            answer = Response(represent_one(contact))
            book.purge(contact)
        return answer


class UndoViewSet(Contacts):
    limits = {"undo": "undo"}

    @documented(
        "undo",
        "Take back one change, or all since one",
        request=UndoInput,
        response=UndoOutput,
        errors=(404,),
        idempotent=True,
    )
    def undo(self, request: Request) -> Response:
        asked = validated(UndoInput, request.data)
        with self.writing() as book:
            if "since" in asked:
                steps = history.plan_since(book, asked["since"])
            else:
                steps = history.plan_one(book, asked["change"])
            results = history.undo(book, steps, asked["dry_run"])
        return Response({"dry_run": asked["dry_run"], "results": results})


class ChangesViewSet(Contacts):
    limits = {"list": "contacts_changes"}

    def remembered_keys(self, user_id: int) -> tuple[str, ...]:
        return (book_key(user_id),)

    @documented("listChanges", "What changed since", query=ChangesQuery, response=ChangesOutput)
    def list(self, request: Request) -> HttpResponse:
        asked = api.asked(ChangesQuery, request)
        feed = history.Feed(self.caller.pk, self.book_after(asked["since"]), asked["since"], asked["limit"])
        columns = (*COLUMNS, *CARD_COLUMNS) if "fields" in asked else COLUMNS
        changes = json_list(map(shown, feed.rows(columns)))
        ending = b',"next":%d,"more":%b}' % (feed.following, as_json(feed.more))
        return HttpResponse(b"".join((b'{"changes":', changes, ending)), content_type="application/json")

    def book_after(self, since: int) -> Book | None:
        """None where nothing is new, as mostly, which is known without a query.

        A number that a restore has made worthless is below the book's own, so it is never among those.
        """
        owner = self.caller.pk
        idle = Book.objects.version(owner, self.known).sequence <= since
        return None if idle else Book.objects.filter(user=owner).first()


def shown(row: dict[str, Any]) -> dict[str, Any]:
    contact = row["contact"] and represent(row["contact"])
    return {"change": row["number"], "kind": row["kind"], "id": row["contact_id"], "contact": contact}


class BatchViewSet(Contacts):
    """Up to 1,000 writes in one transaction, and one tick of the limit."""

    limits = {"run": "contacts_batch"}

    @documented("batch", "Many writes at once", request=BatchInput, response=BatchOutput, idempotent=True)
    def run(self, request: Request) -> Response:
        asked = validated(BatchInput, request.data)
        with self.writing() as book:
            results = [self.result(book, i, item) for i, item in enumerate(asked["items"])]
            faults = [fault for i, result in enumerate(results) for fault in faults_of(i, result)]
            if asked["atomic"] and faults:
                raise InvalidItems(faults)
        return Response({"results": results})

    def result(self, book: Book, i: int, item: Any) -> dict[str, Any]:
        try:
            with within("body", "items", i):
                item = validated(BatchItem, item)
            with within("body", "items", i, "contact"):
                return self.done(book, item)
        except (APIException, Http404) as error:
            refused = errors.as_api_exception(error)
            return {"status": refused.status_code, **errors.body(refused)}

    def done(self, book: Book, item: dict[str, Any]) -> dict[str, Any]:
        if item["op"] == "create":
            contact = book.create(new_card(validated(NewContactInput, item["contact"])))
            return {"status": 201, "contact": represent_one(contact)}
        contact = book.get(item["id"])
        conditional.check_if_match(item.get("if_match"), contact.etag)
        if item["op"] == "delete":
            before = represent_one(contact)
            book.delete(contact)
            return {"status": 200, "contact": before}
        book.change(contact, flat_changes(validated(ContactInput, item["contact"]), contact.phone))
        return {"status": 200, "contact": represent_one(contact)}


def faults_of(i: int, result: dict[str, Any]) -> list[dict[str, Any]]:
    detail = result.get("detail", [])
    if isinstance(detail, str):
        return [{"loc": ["body", "items", i], "msg": detail, "type": f"status_{result['status']}"}]
    return detail


class GroupsViewSet(Contacts):
    """Groups by name. Who is in one says the contact's card, among its keywords."""

    limits = {
        "list": "groups_list",
        "create": "groups_create",
        "rename": "groups_update",
        "destroy": "groups_delete",
    }

    def groups(self) -> GroupQuerySet:
        return Group.objects.for_user(self.caller.pk)

    def group(self) -> Group:
        return self.groups().by_id(validated(GroupPath, self.kwargs, "path")["group_id"])

    @documented("listGroups", "List groups", query=PageQuery, response=[GroupOutput], headers=("X-Total-Count",))
    def list(self, request: Request) -> Response:
        asked = api.asked(PageQuery, request)
        groups = self.groups().order_by("name", "id")
        page = groups[asked["skip"] : asked["skip"] + asked["limit"]]
        return Response(GroupOutput(page, many=True).data, headers={"X-Total-Count": str(groups.count())})

    @documented(
        "createGroup",
        "Add a group",
        request=GroupInput,
        response=GroupOutput,
        status=201,
        errors=(409,),
        idempotent=True,
    )
    def create(self, request: Request) -> Response:
        name = validated(GroupInput, request.data)["name"]
        group, is_new = self.groups().get_or_create(user_id=self.caller.pk, name=name)
        if not is_new:
            raise Conflict
        return Response(GroupOutput(group).data, 201)

    @documented("renameGroup", "Rename a group", request=GroupInput, response=GroupOutput, errors=(409,))
    def rename(self, request: Request, group_id: str) -> Response:
        name = validated(GroupInput, request.data)["name"]
        with self.writing() as book:
            group = book.rename_group(self.group(), name)
        return Response(GroupOutput(group).data)

    @documented("deleteGroup", "Delete a group", response=GroupOutput)
    def destroy(self, request: Request, group_id: str) -> Response:
        with self.writing() as book:
            group = self.group()
            answer = Response(GroupOutput(group).data)
            book.delete_group(group)
        return answer
