"""The limit as the bare server and the expert's count it: the product's own script (contactbook/stores.py)."""

import re
from pathlib import Path

LIMIT, SPAN = 100_000_000, 60  # never reached, always counted
SOURCE = Path(__file__).parent.parent / "contactbook" / "stores.py"
# Read and not imported: it would bring Django along.
SCRIPT = re.search(r'COUNT = """(.*?)"""', SOURCE.read_text(), re.DOTALL)[1]
