"""The history of a contact, restoring it, and undo: what is read from the log, and written back."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min, Sum

from contactbook.api.pagination import SAFE_LIMIT, rows_that_fit
from contactbook.exceptions import ConflictError, InvalidValueError, NotFoundError, TooLargeError
from contacts import merging
from contacts.avatars.references import with_public_urls
from contacts.cards import jscontact, members, validation
from contacts.cards.jscontact import Card
from contacts.models import Book, Change, ChangeQuerySet, Contact
from contacts.models.change import CARDDAV
from contacts.models.contact import PORTION

MAX_UNDONE = 1000  # contacts in one undo
TOO_MANY = f"That would change more than {MAX_UNDONE} contacts; undo less at once."
CONTENTS_ERASED = "The contents from that time are no longer kept."


def of_contact(contact: Contact, skip: int, limit: int) -> list[dict[str, Any]]:
    """Return a contact's changes, newest first, each with what it changed; `fields` is None if that was erased."""
    changes = Change.objects.for_user(contact.user_id).of(contact.pk).order_by("-number")
    changes = changes.filter(number__lte=contact.revision)  # later ones are not in the card that was read
    page = changes[max(skip - 1, 0) : skip + limit]
    if limit > SAFE_LIMIT and (fitting := rows_that_fit(page, "size")):
        raise TooLargeError(f"These changes are too large for one page. Use limit={fitting}.")
    rows = list(page)
    after: Card | None = contact.card
    if skip:
        after = rows.pop(0).before if rows else None
    entries = []
    for change in rows:
        entries.append(entry(change, after))
        after = change.before
    return entries


def entry(change: Change, after: Card | None) -> dict[str, Any]:
    created = change.kind == Change.Kind.CREATED
    before: Card | None = {} if created else change.before
    fields = None
    if before is not None and after is not None:
        fields = jscontact.differences(with_public_urls(before), with_public_urls(after))
    return {
        "change": change.number,
        "at": change.at,
        "kind": change.kind,
        "via": change.via,
        "client": change.client,
        "app_password": change.app_password,
        "fields": fields,
    }


def card_after(contact: Contact, number: int) -> Card:
    """Return the card as it was just after that change of the contact.

    InvalidValueError if there is no such change or it was the deletion; ConflictError if its contents were erased.
    """
    changes = Change.objects.for_user(contact.user_id).of(contact.pk)
    change = changes.by_number(number)
    if change is None or change.kind == Change.Kind.DELETED:
        raise InvalidValueError("to", "There is no such change of this contact, or it was its deletion.")
    later = changes.filter(number__gt=number).order_by("number").first()
    card = later.before if later else contact.card
    if card is None:
        raise ConflictError(CONTENTS_ERASED)
    return card


def restore(book: Book, contact: Contact, number: int, names: list[str] | None) -> Contact:
    """Restore the contact, or the named fields of it, to what it was just after that change; out of the trash too."""
    card = card_after(contact, number)
    if names is not None:
        try:
            card = jscontact.with_fields_of(contact.card, card, names)
        except KeyError as unknown:
            raise InvalidValueError("fields", f"There is no field {unknown.args[0]!r}.") from None
        fault = validation.out_of_bounds(card, validation.MAX_BYTES_WITH_FLAT)
        if fault and jscontact.size(card) > contact.size:
            raise InvalidValueError("fields", fault)
    if contact.deleted_at:
        book.restore(contact)
    return book.put_card(contact, card)


@dataclass
class UndoStep:
    """What an undo does to one contact: `card` is its card afterwards, `live` whether it is outside the trash then."""

    contact_id: int
    contact: Contact | None
    card: Card | None
    live: bool
    conflict: bool = False

    @property
    def action(self) -> str:
        if self.conflict or self.contact is None:
            return "nothing"
        if self.live and self.contact.deleted_at:
            return "restore"
        if not self.live and not self.contact.deleted_at:
            return "delete"
        return "change" if self.changes_card else "nothing"

    @property
    def changes_card(self) -> bool:
        assert self.contact is not None
        return self.card is not None and not jscontact.same(self.card, self.contact.card)

    def apply(self, book: Book) -> None:
        contact = self.contact
        if self.conflict or contact is None:
            return
        if contact.deleted_at and (self.live or self.changes_card):
            book.restore(contact)
        if self.card is not None:
            book.put_card(contact, self.card)
        if not self.live and not contact.deleted_at:
            book.delete(contact)

    def result(self) -> dict[str, Any]:
        return {"id": self.contact_id, "does": self.action, "status": "conflict" if self.conflict else "done"}


def plan(book: Book, given: dict[str, Any]) -> list[UndoStep]:
    """Plan the undo of one `change`, or of everything `since` one, or of what one `app_password` wrote since."""
    if "since" not in given:
        return plan_one(book, given["change"])
    if "app_password" not in given:
        return plan_since(book, given["since"])
    return plan_app_password(book, given["app_password"], given["since"])


def plan_app_password(book: Book, password_id: int, since: int) -> list[UndoStep]:
    """Plan to undo what an app password wrote after change `since`.

    If that is too much for one undo, conflicts are left out, among them what an earlier undo took back: an undo can go
    back in steps.
    """
    changes = Change.objects.for_user(book.user_id).filter(number__gt=since).by_source(CARDDAV, password_id).order_by()
    ids = list(changes.values_list("contact_id", flat=True).distinct()[: MAX_UNDONE + 1])
    if len(ids) > MAX_UNDONE:
        newest = Contact.objects.all_of(book.user_id).filter(revision__in=changes.values("number"))
        ids = list(newest.values_list("pk", flat=True)[: MAX_UNDONE + 1])
    if len(ids) > MAX_UNDONE:
        raise InvalidValueError("since", TOO_MANY)
    return plan_source(book, CARDDAV, password_id, ids, since, bounded=True)


def plan_since(book: Book, number: int) -> list[UndoStep]:
    """Plan to undo everything after change `number`: the first later change of each contact says how it was.

    If that is too much for one undo, contacts that are already as they were are left out: an undo can go back in steps.
    """
    firsts = Change.objects.for_user(book.user_id).filter(number__gt=number).firsts()
    try:
        bounded = within_bounds(book, firsts)
    except (InvalidValueError, TooLargeError):
        bounded = within_bounds(book, firsts.not_undone())
    return steps_before(book, bounded)


def within_bounds(book: Book, firsts: ChangeQuerySet) -> list[Change]:
    """Return these changes; InvalidValueError or TooLargeError if they are too many, or too large, for one undo."""
    numbers = list(firsts.values_list("number", flat=True)[: MAX_UNDONE + 1])
    if len(numbers) > MAX_UNDONE:
        raise InvalidValueError("since", TOO_MANY)
    changes = Change.objects.for_user(book.user_id).filter(number__in=numbers).order_by("number")
    ids = list(changes.values_list("contact_id", flat=True))
    contacts = Contact.objects.all_of(book.user_id).filter(pk__in=ids)
    check_size(changes, contacts)
    return list(changes)


def check_size(*found: Any) -> None:
    """Raise TooLargeError if the cards of these changes and contacts are more than one undo reads."""
    if sum(rows.aggregate(total=Sum("size"))["total"] or 0 for rows in found) > PORTION:
        raise TooLargeError(f"That would change more than {PORTION >> 20} MB of contacts at once. Undo less at once.")


def plan_one(book: Book, number: int) -> list[UndoStep]:
    """Plan to undo one change of a contact; a conflict if the contact was changed again since."""
    changes = Change.objects.for_user(book.user_id)
    change = changes.by_number(number)
    if change is None:
        raise NotFoundError("Change was not found")
    if change.via == merging.VIA:
        return plan_merge(book, change.operation)
    (step,) = steps_before(book, [change])
    step.conflict |= changes.of(change.contact_id).filter(number__gt=number).exists()
    return [step]


def plan_source(
    book: Book, via: str, source: int, contact_ids: list[int], since: int = 0, bounded: bool = False
) -> list[UndoStep]:
    """Plan to undo what one import or app password wrote to these contacts after change `since`.

    Each goes back to its newest change by another. If that one is its newest change of all, it is a conflict.
    TooLargeError for too much, if `bounded`.
    """
    changes = Change.objects.for_user(book.user_id).filter(contact_id__in=contact_ids)
    others = changes.exclude(via=via, source=source, source__isnull=False).order_by()
    back_to = dict(others.values_list("contact_id").annotate(Max("number")))
    own = changes.by_source(via, source).filter(number__gt=since).order_by("number").defer("before")
    firsts: dict[int, int] = {}
    conflicts: set[int] = set()
    for contact_id, number in own.values_list("contact_id", "number"):
        if number > back_to.get(contact_id, 0):
            firsts.setdefault(contact_id, number)
            conflicts.discard(contact_id)
        elif contact_id not in firsts:
            conflicts.add(contact_id)
    befores = changes.filter(number__in=firsts.values())
    if bounded:
        check_size(befores, Contact.objects.all_of(book.user_id).filter(pk__in=firsts))
    steps = steps_before(book, list(befores))
    contacts = Contact.objects.all_of(book.user_id).in_bulk(conflicts)
    return steps + [UndoStep(key, contacts.get(key), None, True, conflict=True) for key in sorted(conflicts)]


def plan_merge(book: Book, operation: int) -> list[UndoStep]:
    """Plan to undo a whole merge; all of it is a conflict if one of its contacts was changed since.

    A group card that was changed since is no conflict: phones write them often.
    """
    numbers = operation, operation + merging.MOST + merging.MOST_GROUPS  # for the index
    changes = Change.objects.for_user(book.user_id).filter(number__range=numbers, operation=operation)
    rows = {change.contact_id: change for change in changes.order_by("number")}
    # The contact that is kept is changed first, and the group cards last.
    groups = [each for each in rows.values() if each.kind == Change.Kind.CHANGED and each.number > operation]
    steps = steps_before(book, [each for each in rows.values() if each not in groups])
    conflict = any(
        step.conflict or step.contact is None or step.contact.revision != rows[step.contact_id].number for step in steps
    )
    for step in steps:
        step.conflict = conflict
    cards = Contact.objects.synced_of(book.user_id).in_bulk([each.contact_id for each in groups])
    return steps + [group_step(each, cards.get(each.contact_id), conflict) for each in groups]


def group_step(change: Change, group: Contact | None, conflict: bool) -> UndoStep:
    """Return the step that gives a group card its members from before a merge; what else was changed since stays."""
    if change.before is None or group is None:
        return UndoStep(change.contact_id, group, None, True, conflict)
    card = members.given_back(group.card, change.before, card_after(group, change.number))
    return UndoStep(group.pk, group, card, True, conflict)


def steps_before(book: Book, firsts: list[Change]) -> list[UndoStep]:
    """Return the steps that take contacts back to before these changes, one of each."""
    ids = [change.contact_id for change in firsts]
    contacts = Contact.objects.all_of(book.user_id).in_bulk(ids)
    oldest = Change.objects.for_user(book.user_id).filter(contact_id__in=ids).order_by()
    created = dict(oldest.values_list("contact_id").annotate(Min("number")))
    return [
        step_before(change, contacts.get(change.contact_id), created[change.contact_id] < change.number)
        for change in firsts
    ]


def step_before(first: Change, contact: Contact | None, existed: bool) -> UndoStep:
    """Return the step that takes the contact back to before that change of it.

    A contact that did not exist may have been created and deleted by one transaction, which is the change `deleted`.
    """
    if not existed:
        return UndoStep(first.contact_id, contact, None, live=False)
    lost = contact is None or first.before is None
    live = first.kind != Change.Kind.RESTORED
    return UndoStep(first.contact_id, contact, first.before, live=live, conflict=lost)


def undo(book: Book, steps: list[UndoStep], dry_run: bool) -> list[dict[str, Any]]:
    """Apply the steps, unless it is a dry run; return what each does."""
    results = [step.result() for step in steps]
    if not dry_run:
        book.save_together()
        for step in steps:
            step.apply(book)
    return results
