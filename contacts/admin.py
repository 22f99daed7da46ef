"""The contacts and feeds of all accounts, for staff. Writes go through the owner's Book, as everywhere."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import AppPassword, AppPasswordQuerySet, User, email_key
from contactbook.admin import FastAdmin, table_size
from contactbook.exceptions import DomainError, NotFoundError
from contacts import duplicates, history
from contacts.cards import jscontact
from contacts.models import Book, Contact, Feed, Import
from contacts.serializers.contacts import FLAT, ContactInput

HISTORY_SHOWN = 200  # newest changes
DUPLICATES_SHOWN = 100  # sets


class ContactForm(forms.ModelForm):
    """Validates the fields as the API does."""

    class Meta:
        model = Contact
        fields = ["user", *FLAT]
        widgets = {name: forms.TextInput(attrs={"class": "vTextField"}) for name in ("email", "avatar")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                field.strip = False  # an untouched field must not look changed

    def clean_additional(self) -> str | None:
        """Replace CR LF by LF: browsers send every line end as CR LF."""
        text: str | None = self.cleaned_data["additional"]
        return text and text.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        given = {name: values[name] for name in FLAT if values.get(name)}
        if "birthday" in given:
            given["birthday"] = given["birthday"].isoformat()
        checked = ContactInput(data=given)
        if not checked.is_valid():
            for name, reasons in checked.errors.items():
                if name in self.fields and name not in self.errors:
                    self.add_error(name, [str(reason) for reason in reasons])
        return values

    def flat(self) -> dict[str, Any]:
        """Return the flat fields that were changed; None for an emptied field."""
        return {name: self.cleaned_data[name] or None for name in self.changed_data if name in FLAT}


class OwnerFilter(admin.SimpleListFilter):
    """Filters by the owner's full address or id, typed into a field: a list of all owners could be too long."""

    title = "owner"
    parameter_name = "owner"
    template = "admin/owner_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        owner = (self.value() or "").strip()
        if not owner:
            return queryset
        if "\0" in owner:
            return queryset.none()
        if owner.isascii() and owner.isdecimal() and len(owner) < 19:
            return queryset.filter(user=int(owner))
        return queryset.filter(user__email_key=email_key(owner))

    def choices(self, changelist: Any) -> Any:
        parameters = {**changelist.get_filters_params(), "q": changelist.query}
        others = [(name, each) for name, each in parameters.items() if name != self.parameter_name and each]
        yield {
            "value": self.value() or "",
            "others": [(name, value if isinstance(value, str) else value[-1]) for name, value in others],
            "all_owners": changelist.get_query_string(remove=[self.parameter_name]),
        }


class TrashFilter(admin.SimpleListFilter):
    title = "deleted"
    parameter_name = "trash"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes, in the trash")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(deleted_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(Contact)
class ContactAdmin(FastAdmin):
    form = ContactForm
    list_display = ("fullname", "email", "phone", "birthday", "owner", "in_trash")
    list_filter = (OwnerFilter, TrashFilter, ("birthday", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("fullname_folded",)  # shows the search box; get_search_results searches
    search_help_text = "Part of the name or e-mail address; case and diacritics do not matter"
    autocomplete_fields = ("user",)
    readonly_fields = ("uid", "revision", "created_at", "updated_at", "deleted_at")
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("user", *FLAT)}),
        ("Read-only", {"fields": readonly_fields, "classes": ("collapse",)}),
    )

    def numbers(self, request: HttpRequest) -> Iterable[tuple[str, str, str]]:
        yield table_size(Contact), "contacts", ""

    def get_ordering(self, request: HttpRequest) -> Any:
        """Sort one owner's contacts by name, for which there is an index, and all contacts by id, newest first."""
        return ("fullname_folded", "id") if request.GET.get("owner") else self.ordering

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the contacts without the two large columns, which lists do not show."""
        return super().get_queryset(request).defer("card", "additional")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.search(search_term) if search_term.strip() else queryset), False

    @admin.display(description="owner")
    def owner(self, contact: Contact) -> SafeString:
        url = reverse("admin:accounts_user_change", args=[contact.user_id])
        return format_html('<a href="{}">{}</a>', url, contact.user.email)

    @admin.display(description="trash", boolean=True)
    def in_trash(self, contact: Contact) -> bool:
        return contact.deleted_at is not None

    def get_readonly_fields(self, request: HttpRequest, obj: Contact | None = None) -> Any:
        """Return the read-only fields: the owner always, and all fields of a contact in the trash."""
        if obj is None:
            return self.readonly_fields
        return (*self.readonly_fields, "user", *(FLAT if obj.deleted_at else ()))

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        if not form.changed_data:  # as for a contact in the trash, whose fields are all read-only
            return
        with self.writing(request, obj.user_id) as book:
            if change:
                written = book.change(book.get(obj.pk), form.flat())
            else:
                written = book.create(jscontact.with_flat({}, form.flat()))
        obj.pk = written.pk

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return not (obj and obj.deleted_at) and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        contacts = list(objs)
        lines = [f"{contact.fullname}, which is moved to its owner's trash" for contact in contacts]
        protected = [f"{contact.fullname} is in the trash already" for contact in contacts if contact.deleted_at]
        missing_permissions = set() if super().has_delete_permission(request) else {"contact"}
        return lines, {"contacts": len(contacts)}, missing_permissions, protected

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        with self.writing(request, obj.user_id) as book:
            book.delete(book.get(obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        rows = queryset.order_by("user_id", "id").values_list("user_id", "id")
        for owner, contacts in groupby(list(rows), key=lambda row: row[0]):
            with self.writing(request, owner) as book:
                for _, contact_id in contacts:
                    book.delete(book.get(contact_id))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the contact's history above Django's log of staff actions, and log this view there."""
        contact = self.get_object(request, object_id)
        if contact is None or not self.has_view_or_change_permission(request, contact):
            return super().history_view(request, object_id, extra_context)
        self.log_change(request, contact, "Looked at the history.")
        changes = history.of_contact(contact, skip=0, limit=HISTORY_SHOWN)
        devices = dict(AppPassword.objects.for_user(contact.user_id).values_list("pk", "name"))
        for change in changes:
            change["device"] = devices.get(change["app_password"])
        return super().history_view(request, object_id, {"changes": changes, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.duplicates_view)
        return [path("duplicates/<int:owner>/", view, name="contacts_contact_duplicates"), *super().get_urls()]

    def duplicates_view(self, request: HttpRequest, owner: int) -> HttpResponse:
        """Show the duplicates of one account, and log this view."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user = get_object_or_404(User, pk=owner)
        self.log_change(request, user, "Looked at the duplicates of the contacts.")
        sets = duplicates.current(owner, Book.objects.version(owner), user.region)
        context = {
            **self.admin_site.each_context(request),
            "title": "Duplicates",
            "owner": user,
            "total": len(sets),
            "sets": duplicates.named(owner, sets[:DUPLICATES_SHOWN]),
        }
        return render(request, "admin/contacts/contact/duplicates.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        contact = self.get_object(request, object_id) if request.method == "GET" else None
        if contact and contact.deleted_at and self.has_view_or_change_permission(request, contact):
            self.log_change(request, contact, "Looked at it in the trash.")
        return super().change_view(request, object_id, form_url, extra_context)

    @contextmanager
    def writing(self, request: HttpRequest, owner: int) -> Iterator[Book]:
        """Open the owner's book; a contact that went to the trash meanwhile is a 404."""
        try:
            with Book.objects.writing(owner, "admin", request.headers.get("User-Agent", "")) as book:
                yield book
        except NotFoundError as error:
            raise Http404(str(error)) from error


class ReadOnlyAdmin(FastAdmin):
    """Rows of all accounts that staff can only look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    """The birthday feeds. Nobody can see their addresses, of which only digests are stored."""

    list_display = ("name", "user", "created_at", "last_read_at", "anniversaries", "alarm_days")
    list_filter = (OwnerFilter,)
    list_select_related = ("user",)
    ordering = ("-id",)
    fields = list_display


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    """The imports, without the contents of their files."""

    list_display = ("filename", "user", "format", "status", "total", "file_bytes", "created_at", "changed_at")
    list_filter = (OwnerFilter, "status", "format")
    list_select_related = ("user",)
    ordering = ("-id",)
    fields = (
        *("user", "filename", "format", "encoding", "status", "failed_step", "error", "policy", "position", "total"),
        *("new", "same", "changes", "failed", "file_bytes", "bytes", "created_at", "changed_at", "lease_until"),
    )

    def numbers(self, request: HttpRequest) -> Iterable[tuple[str, str, str]]:
        yield str(Import.objects.under_way().count()), "imports under way", ""


@admin.action(description="Undo all changes by")
def undo_changes(model_admin: Any, request: HttpRequest, passwords: AppPasswordQuerySet) -> None:
    """Undo what each of the passwords wrote, in a transaction of its own, as POST /api/undo does.

    A contact that something else has changed since stays as it is.
    """
    if not request.user.has_perm("contacts.change_contact"):
        raise PermissionDenied
    for row in passwords:
        try:
            with Book.objects.writing(row.user_id, "admin", request.headers.get("User-Agent", "")) as book:
                results = history.undo(book, history.plan_app_password(book, row.pk, since=0), dry_run=False)
        except DomainError as error:
            model_admin.message_user(request, f"{row.name}: {error}", messages.ERROR)
            continue
        model_admin.audit(request, [row], "Undid all changes by it.")
        done = sum(result["status"] == "done" for result in results)
        text = f"{row.name}: {done} contacts were taken back, {len(results) - done} were changed since."
        model_admin.message_user(request, text, messages.SUCCESS)


# The admin of app passwords is in `accounts`, which imports nothing of this app.
devices: Any = admin.site.get_model_admin(AppPassword)
devices.actions = (*devices.actions, undo_changes)
