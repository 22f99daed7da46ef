"""Settings as another process would read them."""

import subprocess
import sys

import pytest

from contactbook.tests.live import ROOT


@pytest.fixture
def environment(tmp_path):
    """Loads the settings in an environment of these variables alone, and prints the one named."""

    def load(name="DEBUG", **variables):
        command = [sys.executable, "-c", f"from contactbook import settings; print(settings.{name})"]
        env = {"VAR_DIR": str(tmp_path / "var"), "PATH": "/usr/bin:/bin", **variables}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)

    return load
