"""The staff's site: who may enter, the dashboard's numbers, and lists that stay fast over a million rows."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from rest_framework.exceptions import Throttled

from contactbook.api.throttling import limited

BOUND = 10_000  # rows that are counted at most


def bounded_count(rows: QuerySet[Any]) -> int:
    """At most BOUND + 1, whatever the table's size."""
    return rows.order_by()[: BOUND + 1].count()


def roughly(rows: QuerySet[Any]) -> str:
    """The number of rows for people: exact as far as it is cheap."""
    counted = bounded_count(rows)
    return f"{counted:,}" if counted <= BOUND else f"over {BOUND:,}"


def table_size(model: type[Model]) -> str:
    """The number of a table's rows for people: exact where that is cheap, else PostgreSQL's own estimate."""
    counted = roughly(model._default_manager.all())
    if connection.vendor != "postgresql" or not counted.startswith("over"):
        return counted
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        estimate = cursor.fetchone()[0]  # -1 before the table's first ANALYZE
    return f"about {estimate:,}" if estimate > BOUND else counted


class BoundedPaginator(Paginator):
    """Pages through the first BOUND rows; whoever wants a row behind them searches."""

    @cached_property
    def count(self) -> int:
        return min(bounded_count(self.object_list), BOUND)  # type: ignore[arg-type]


class FastAdmin(admin.ModelAdmin):
    """What every list of ours shares: no full count, no sorting without an index, audited actions."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_max_show_all = 100
    list_per_page = 50
    actions_selection_counter = False  # it offers to act on the rows of all pages
    show_facets = admin.ShowFacets.NEVER  # counts of every choice
    sortable_by: ClassVar[Any] = ()

    def numbers(self, request: HttpRequest) -> Iterable[tuple[str, str, str]]:
        """What the dashboard's line says: a number, its words, and the list's query that shows the rows."""
        return ()

    def audit(self, request: HttpRequest, rows: Iterable[Model], message: str) -> None:
        """One line of audit for each row that an action changed."""
        LogEntry.objects.log_actions(request.user.pk, list(rows), CHANGE, message)  # type: ignore[arg-type]


class LoginForm(AdminAuthenticationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Address"
        self.fields["username"].widget.input_type = "email"

    def clean(self) -> dict[str, Any]:
        """Too many wrong passwords are an exception of REST framework's; here they are the form's."""
        try:
            return super().clean()
        except Throttled as error:
            raise forms.ValidationError(str(error.detail), code="throttled") from None

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        super().confirm_login_allowed(user)  # type: ignore[arg-type]
        if not getattr(user, "confirmed_at", None):
            raise forms.ValidationError("Confirm your address first.", code="unconfirmed")


class ContactBookAdminSite(admin.AdminSite):
    site_header = "Contact book"
    site_title = "Contact book administration"
    index_title = "Administration"
    index_template = "admin/dashboard.html"
    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and bool(getattr(request.user, "confirmed_at", None))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return guarded_login(request, super().login, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**(extra_context or {}), "numbers": self.numbers(request)})

    def numbers(self, request: HttpRequest) -> list[dict[str, str]]:
        """Of all models that the staff member may see."""
        found = []
        for model, model_admin in self._registry.items():
            if isinstance(model_admin, FastAdmin) and model_admin.has_view_permission(request):
                url = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
                names = ("number", "words", "query")
                found += [{"url": url, **dict(zip(names, each, strict=True))} for each in model_admin.numbers(request)]
        return found


@limited("admin_login", "POST")
def guarded_login(request: HttpRequest, login: Any, extra_context: dict[str, Any] | None) -> HttpResponse:
    response: HttpResponse = login(request, extra_context)
    return response
