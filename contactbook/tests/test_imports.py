"""Imports run one way: contactbook ← accounts ← contacts; the card formats import nothing else of the product."""

import ast

import pytest

from contactbook.tests.live import ROOT

pytestmark = pytest.mark.one_stack

OURS = {"contactbook", "accounts", "contacts"}
FORMATS = "contacts.cards"
ROOTS = {"contactbook.urls", "contactbook.settings", "contactbook.wsgi", "contactbook.gunicorn_conf"}


def modules():
    for package in sorted(OURS):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "tests" not in parts:
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(module, path):
    """The modules that a file imports, in functions too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def ours(module, path):
    return {name for name in imported(module, path) if name.partition(".")[0] in OURS}


def may(module, name):
    app, other = module.partition(".")[0], name.partition(".")[0]
    if module.startswith(FORMATS):
        return name.startswith(FORMATS)
    if module in ROOTS or other == app or other == "contactbook":
        return True
    return app == "contacts" and f"{name}.".startswith(("accounts.models.", "accounts.mail.messages."))


@pytest.mark.parametrize(("module", "path"), modules())
def test_a_module_imports_only_what_it_may(module, path):
    assert {name for name in ours(module, path) if not may(module, name)} == set()


def test_the_walk_sees_relative_nested_and_plain_imports():
    path = ROOT / "contactbook" / "api" / "viewsets.py"
    assert "contactbook.api.exceptions.TooLarge" in ours("contactbook.api.viewsets", path)
    assert not may("contactbook.api.viewsets", "accounts.models.User")
    assert not may("accounts.api.auth", "contacts.models.Contact")
    assert not may("contacts.api.contacts", "accounts.api.auth.Open")
    assert not may("contacts.cards.folding", "contactbook.api.exceptions.Invalid")
    assert may("contacts.api.contacts", "accounts.models.User")
