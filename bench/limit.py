"""The limit as the bare server and the expert's count it: the product's own script (contactbook/throttling.py)."""

import re
from pathlib import Path

LIMIT, SPAN = 100_000_000, 60  # never reached, always counted
SOURCE = Path(__file__).parent.parent / "contactbook" / "throttling.py"
# Read and not imported: it would bring Django along.
SCRIPT = re.search(r'SCRIPT = """(.*?)"""', SOURCE.read_text(), re.DOTALL)[1]
