"""The manual: scripts/docs builds it to docs/_build/html."""

import os
import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "contactbook.settings"
django.setup()

project = "Contact book"
author = "The contact book's makers"
extensions = ["myst_parser", "sphinx_design", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Contact book"
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_theme_options = {"top_of_page_buttons": []}
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"exclude-members": "DoesNotExist, MultipleObjectsReturned, objects"}
default_role = "code"  # a docstring's `name`, which is Markdown to its reader
