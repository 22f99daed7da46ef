"""The HTML pages: home, and those behind the links in mails."""

from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from contactbook.throttling import limited

from . import tokens
from .models import Letter
from .serializers import MAX_PASSWORD


class NewPasswordForm(SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.max_length = MAX_PASSWORD
            field.widget.attrs |= {"autocomplete": "new-password", "maxlength": MAX_PASSWORD}


class AddressForm(forms.Form):
    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))


@limited("pages")
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@limited("pages")
@never_cache
def ask_reset(request: HttpRequest) -> HttpResponse:
    """Asks for a link to set a new password; the answer is the same whether the address is known or not."""
    form = AddressForm(request.POST or None)
    sent = request.method == "POST" and form.is_valid()
    if sent:
        Letter.objects.queue(Letter.Kind.RESET, form.cleaned_data["email"])
    return render(request, "ask_reset.html", {"form": form, "sent": sent})


@limited("pages")
@never_cache
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Sets a new password. The row is locked while the link is judged and used, so that it works once."""
    user = tokens.user_behind_reset(token)
    if request.method != "POST" or user is None:
        form = user and NewPasswordForm(user)
        return render(request, "reset.html", {"form": form}, status=200 if user else 422)
    form = NewPasswordForm(user, request.POST)
    if not form.is_valid():
        return render(request, "reset.html", {"form": form}, status=422)
    with transaction.atomic():
        user = tokens.user_behind_reset(token, lock=True)
        if user:
            user.set_new_password(form.cleaned_data["new_password1"])
    return render(request, "reset.html", {"form": None, "done": user is not None}, status=200 if user else 422)
