"""Accounts, app passwords and outgoing e-mails, for staff. No password, hash or token is shown."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AppPassword, AppPasswordQuerySet, OutgoingEmail, OutgoingEmailQuerySet, User
from accounts.models.email import queued
from accounts.models.user import UserQuerySet
from accounts.time_zones import UNKNOWN, time_zones
from contactbook.admin import FastAdmin, row_count, table_size

STATE = ("confirmed_at", "created_at", "last_login", "closed_at", "open_sessions")
ADDED = "A link to set a password is sent to the address, which confirms it."
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserForm(forms.ModelForm):
    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name not in time_zones():
            raise forms.ValidationError(UNKNOWN)
        return name


class NewUserForm(forms.ModelForm):
    """Makes an account without a password; its owner sets one by the link that is sent."""

    class Meta:
        model = User
        fields = ["email", "username"]

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        user: User = super().save(commit)
        return user


@admin.register(User)
class UserAdmin(FastAdmin, DjangoUserAdmin):
    form = UserForm
    add_form = NewUserForm
    list_display = ("address", "username", "is_confirmed", "is_active", "is_staff", "joined")
    list_filter = ("is_active", ("confirmed_at", admin.EmptyFieldListFilter), "is_staff")
    search_fields = ("email_key", "username")
    search_help_text = "Part of the address or of the name"
    ordering = ("-id",)
    sortable_by = ("address", "joined")
    actions = ("confirm", "activate", "deactivate", "send_reset_link")
    add_fieldsets = ((None, {"fields": ("email", "username"), "description": ADDED}),)
    fieldsets = (
        (None, {"fields": ("email", "username")}),
        ("State", {"fields": ("is_active", *STATE)}),
        ("Birthdays", {"fields": ("time_zone", "leap_day", "region", "reminders", "reminder_days")}),
        ("Staff", {"fields": RIGHTS}),
    )
    # The address identifies the account: it was confirmed, and links were sent to it.
    readonly_fields = ("email", *STATE)

    def numbers(self, request: HttpRequest) -> Iterable[tuple[str, str, str]]:
        yield table_size(User), "users", ""
        yield row_count(User.objects.filter(confirmed_at=None)), "unconfirmed", "?confirmed_at__isempty=1"

    @admin.display(description="address", ordering="email_key")
    def address(self, user: User) -> str:
        return user.email

    @admin.display(description="confirmed", boolean=True)
    def is_confirmed(self, user: User) -> bool:
        return user.confirmed_at is not None

    @admin.display(description="joined", ordering="id")
    def joined(self, user: User) -> Any:
        return user.created_at

    @admin.display(description="open sessions")
    def open_sessions(self, user: User) -> int:
        return user.sessions.filter(expires_at__gt=timezone.now()).count()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Read the names of all permissions in one query, as Django's own UserChangeForm does."""
        if db_field.name == "user_permissions":
            kwargs["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the read-only fields. Others than superusers could make themselves superusers by RIGHTS."""
        if obj is None:
            return ()
        return (*self.readonly_fields, *(() if request.user.is_superuser else RIGHTS))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return False for staff, unless a superuser asks: staff could take each other's rights."""
        protected = obj is not None and (obj.is_staff or obj.is_superuser) and not request.user.is_superuser
        return not protected and super().has_change_permission(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Refuse: nobody sets another user's password. The action sends a link instead."""
        raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return False for staff, who are deactivated instead: deletion would delete their LogEntries too."""
        return not (obj and obj.is_staff) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save the changed columns only: the form must not overwrite a password that was set meanwhile."""
        columns = {field.name for field in User._meta.concrete_fields}
        if change:
            obj.change({name: getattr(obj, name) for name in form.changed_data if name in columns})
        else:
            obj.save()
            OutgoingEmail.objects.queue(OutgoingEmail.Kind.RESET, obj.email)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the accounts to delete, without the thousands of rows that are deleted with each."""
        users = list(objs)
        lines = [f"{user.email}, with all contacts and sessions" for user in users]
        protected = [f"{user.email} is staff: deactivate it instead" for user in users if user.is_staff]
        missing_permissions = set() if super().has_delete_permission(request) else {"user"}
        return lines, {"users": len(users)}, missing_permissions, protected

    def changeable(self, request: HttpRequest, users: UserQuerySet) -> UserQuerySet:
        return users if request.user.is_superuser else users.filter(is_superuser=False, is_staff=False)

    def act(self, request: HttpRequest, users: UserQuerySet, action: Any, done: str) -> None:
        """Apply `action` to those of the users that the staff member may change, and log it."""
        with transaction.atomic():
            rows = list(self.changeable(request, users))
            action(User.objects.filter(pk__in=[user.pk for user in rows]))
            self.audit(request, rows, done)
        self.message_user(request, f"{done} {len(rows)} of the selected accounts.", messages.SUCCESS)

    @admin.action(description="Confirm the address", permissions=["change"])
    def confirm(self, request: HttpRequest, users: UserQuerySet) -> None:
        self.act(request, users.filter(confirmed_at=None), UserQuerySet.confirm, "Confirmed")

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, users: UserQuerySet) -> None:
        self.act(request, users.filter(is_active=False), lambda rows: rows.set_active(True), "Activated")

    @admin.action(description="Deactivate, and end all sessions", permissions=["change"])
    def deactivate(self, request: HttpRequest, users: UserQuerySet) -> None:
        others = users.filter(is_active=True).exclude(pk=request.user.pk or 0)
        self.act(request, others, lambda rows: rows.set_active(False), "Deactivated")

    @admin.action(description="Send a link to set a new password", permissions=["change"])
    def send_reset_link(self, request: HttpRequest, users: UserQuerySet) -> None:
        def queue(rows: UserQuerySet) -> None:
            for user in rows:
                OutgoingEmail.objects.queue(OutgoingEmail.Kind.RESET, user.email)

        self.act(request, users.filter(is_active=True), queue, "Sent a reset link to")


class StateFilter(admin.SimpleListFilter):
    """Filters outgoing e-mails by `due_at`, which is null after the last attempt."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("given-up", "Given up")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(due_at__isnull=self.value() == "given-up") if self.value() else queryset


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(FastAdmin):
    """The queue of outgoing e-mails. An e-mail is deleted when it has been sent."""

    list_display = ("kind", "address", "attempts", "due_at", "last_error", "created_at")
    list_filter = (StateFilter, "kind")
    search_fields = ("address",)
    ordering = ("-id",)
    actions = ("retry",)

    def numbers(self, request: HttpRequest) -> Iterable[tuple[str, str, str]]:
        yield row_count(OutgoingEmail.objects.filter(due_at__isnull=False)), "mails waiting", "?state=waiting"
        given_up = row_count(OutgoingEmail.objects.filter(due_at=None))
        if given_up != "0":
            yield given_up, "mails given up", "?state=given-up"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutgoingEmail | None = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_outgoingemail")

    @admin.action(description="Try again now", permissions=["retry"])
    def retry(self, request: HttpRequest, emails: OutgoingEmailQuerySet) -> None:
        rows = list(emails)
        with transaction.atomic():
            count = emails.retry()
            self.audit(request, rows, "Tried again")
            transaction.on_commit(queued.set)
        self.message_user(request, f"{count} mails go out again.", messages.SUCCESS)


@admin.register(AppPassword)
class AppPasswordAdmin(FastAdmin):
    """The app passwords, without secrets. Only their owners make them; staff can end them."""

    list_display = ("name", "owner", "write", "created_at", "last_used_at", "last_client", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "write")
    list_select_related = ("user",)
    search_fields = ("user__email_key",)
    search_help_text = "Part of the owner's address"
    ordering = ("-id",)
    actions = ("end",)
    fields = ("user", "name", "write", "created_at", "last_used_at", "last_client", "ended_at")

    @admin.display(description="owner")
    def owner(self, password: AppPassword) -> str:
        return password.user.email

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AppPassword | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AppPassword | None = None) -> bool:
        """Return False: the log refers to the rows."""
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apppassword")

    @admin.action(description="End", permissions=["end"])
    def end(self, request: HttpRequest, passwords: AppPasswordQuerySet) -> None:
        rows = list(passwords.live())
        with transaction.atomic():
            count = AppPassword.objects.filter(pk__in=[row.pk for row in rows]).end()
            self.audit(request, rows, "Ended")
        self.message_user(request, f"Ended {count} app passwords.", messages.SUCCESS)
