"""The HTML pages: home, the manual, and the pages behind the links in e-mails."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import SetPasswordForm
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from django.views.static import serve

from accounts import tokens
from accounts.models import OutgoingEmail
from accounts.models.reminder_times import Reminders
from accounts.models.user import normalized_password
from accounts.serializers import MAX_PASSWORD
from contactbook.api.throttling import limited
from contactbook.exceptions import CredentialsError

MANUAL = settings.BASE_DIR / "docs" / "_build" / "html"
form_page = require_http_methods(["GET", "HEAD", "POST"])


class NewPasswordForm(SetPasswordForm):
    not_mine = forms.BooleanField(required=False, label="I did not make this account: delete what is in it")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in (self.fields["new_password1"], self.fields["new_password2"]):
            field.validators.append(MaxLengthValidator(MAX_PASSWORD))
            field.widget.attrs |= {"autocomplete": "new-password", "maxlength": MAX_PASSWORD}
        self.fields["new_password1"].widget.attrs["autofocus"] = True
        self.fields["new_password2"].label = "The same again"
        self.fields["new_password2"].help_text = ""

    def clean(self) -> dict[str, Any]:
        """Show the validators' messages beside the first field; Django shows them beside the second."""
        for name in {"new_password1", "new_password2"} & self.cleaned_data.keys():
            self.cleaned_data[name] = normalized_password(self.cleaned_data[name])
        self.validate_passwords("new_password1", "new_password2")
        self.validate_password_for_user(self.user, "new_password1")
        return self.cleaned_data


class AddressForm(forms.Form):
    email = forms.EmailField(
        label="Your address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


@limited("pages")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html", {"public_url": settings.PUBLIC_URL})


@require_safe
def manual(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve the manual that `scripts/docs` built, or a page that says how to build it. Only pages are limited."""
    name = f"{path}index.html" if path.endswith("/") or not path else path
    return manual_page(request, name) if name.endswith(".html") else serve(request, name, document_root=str(MANUAL))


@limited("pages")  # type: ignore[arg-type]
def manual_page(request: HttpRequest, name: str) -> HttpResponseBase:
    if not MANUAL.is_dir():
        return render(request, "manual.html")
    return serve(request, name, document_root=str(MANUAL))


@limited("pages")
@limited("reset_pwd", "POST")
@never_cache
@form_page
def ask_reset(request: HttpRequest) -> HttpResponse:
    context = {"title": "Set a new password", "why": "We send a link to your address; it works for one hour."}
    return ask(request, OutgoingEmail.Kind.RESET, context)


@limited("pages")
@limited("request_email", "POST")
@never_cache
@form_page
def ask_confirm(request: HttpRequest) -> HttpResponse:
    context = {
        "title": "Confirm your address",
        "why": "We send you a new link. Until your address is confirmed, you cannot log in.",
        "condition": ", not confirmed yet",
    }
    return ask(request, OutgoingEmail.Kind.CONFIRM, context)


def ask(request: HttpRequest, kind: str, context: dict[str, str]) -> HttpResponse:
    """Ask for an address and queue an e-mail; the answer is the same whether the address is known or not."""
    form = AddressForm(request.POST if request.method == "POST" else None, label_suffix="")
    sent = form.is_valid()
    if sent:
        OutgoingEmail.objects.queue(kind, form.cleaned_data["email"])
    known = {"form": form, "sent": sent, "sender": settings.DEFAULT_FROM_EMAIL}
    return render(request, "ask.html", {**context, **known}, status=422 if form.errors else 200)


@csrf_exempt
@limited("pages")
@never_cache
@form_page
def stop_reminders(request: HttpRequest, token: str) -> HttpResponse:
    """Turn an account's reminders off, on POST: by the page's button or by a mail program (RFC 8058).

    A program sends no cookie and no CSRF token; the link's token is enough. A scanner that follows the link changes
    nothing.
    """
    user = tokens.user_of_unsubscribe_link(token)
    is_done = user is not None and request.method == "POST"
    if user and is_done:
        user.change({"reminders": Reminders.OFF})
    context = {"user": user, "done": is_done}
    return render(request, "stop_reminders.html", context, status=200 if user else 422)


@limited("pages")
@never_cache
@form_page
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password. A link works once: it names the password's version, which each change raises."""
    user = tokens.user_of_reset_link(token)
    if request.method != "POST" or user is None:
        form = user and NewPasswordForm(user)
        return render(request, "reset.html", {"form": form}, status=200 if user else 422)
    form = NewPasswordForm(user, request.POST)
    if not form.is_valid():
        return render(request, "reset.html", {"form": form}, status=422)
    try:
        user.set_new_password(form.cleaned_data["new_password1"])
        if form.cleaned_data["not_mine"] and not user.is_staff:
            user.start_over()
    except CredentialsError:  # the link was used meanwhile
        return render(request, "reset.html", {"form": None}, status=422)
    return render(request, "reset.html", {"form": None, "done": True})
