"""Settings as another environment would make them."""

import os
import runpy

import pytest

from contactbook.tests.live import ROOT


@pytest.fixture
def settings_of(tmp_path, monkeypatch):
    """Runs settings.py in an environment of these variables alone, in this process; returns its names."""

    def run(**variables):
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", {"VAR_DIR": str(tmp_path / "var"), **variables})
            return runpy.run_path(str(ROOT / "contactbook/settings.py"))

    return run
