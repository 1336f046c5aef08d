"""Sphinx configuration."""

from threads_async import __version__

project = "threads_async"
author = "The threads_async authors"
copyright = "2026, the threads_async authors"  # noqa: A001 - Sphinx's own name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    # Types of others: their inventories are not fetched, so that the build needs no network.
    ("py:.*", r"(aiohttp|cattrs|collections|uuid|datetime|random|enum|typing|asyncio|types|attr|attrs)\..*"),
    # The item of a generic class.
    ("py:class", r"threads_async\.models\.T(_co)?"),
    # What `FakeServer.churn` returns is entered and nothing else.
    ("py:class", r"threads_async\.testing\._pace\.Repeating"),
    ("py:.*", r"(datetime|optional|StrEnum|Self|Any|Awaitable|AsyncIterator|Callable)"),
]
default_role = "code"

html_theme = "furo"
html_title = f"threads_async {release}"
html_static_path = ["_static"]

# The width and the colours of the pictures.
html_css_files = ["pictures.css"]

# So the reference cannot leave out a member: tests/test_reference.py holds the rest.
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
napoleon_use_rtype = False
myst_heading_anchors = 3
myst_enable_extensions = ["fieldlist"]
