"""The examples of docs/import.md, run in the shell."""

import os
import re
import shutil

import pytest

from contactbook.tests.live import ROOT
from contactbook.tests.test_manual import blocks, promised, run


def test_the_import_by_example(server, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("THE MANUAL'S IMPORT IS NOT TRIED: curl is missing")
    _, token = server.sign_up()
    code = blocks((ROOT / "docs/import.md").read_text(), "shell")
    env = {"PATH": os.environ["PATH"], "BASE": server.url, "TOKEN": token}
    for block, printed in zip(code, run("shell", code, tmp_path, env), strict=True):
        assert re.search(promised(block), printed, re.DOTALL), f"{block}\nprinted:\n{printed}"
