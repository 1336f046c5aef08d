"""Sphinx configuration."""

from threads_async import __version__

project = "threads_async"
author = "The threads_async authors"
copyright = "2026, the threads_async authors"  # noqa: A001 - Sphinx's own name
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
source_suffix = {".md": "markdown"}
# The second is a page of the repository, for those who read Russian.
exclude_patterns = ["_build", "README.ru.md"]
nitpicky = True
nitpick_ignore_regex = [
    # Sphinx looks up the names in an annotation as they are written, without their module.
    ("py:.*", r"(datetime|timedelta|optional|StrEnum|Self|Any|Awaitable|AsyncIterator|Callable)"),
    # What Python calls them is not what their documentation calls them.
    ("py:class", r"aiohttp\.client\.ClientSession|asyncio\.streams\.StreamWriter"),
    # The item of a generic class.
    ("py:class", r"threads_async\.models\.T(_co)?"),
    # The documentation of Dask calls it distributed.Client.
    ("py:class", r"distributed\.client\.Client"),
    # What a fleet passes on to its clients.
    ("py:class", r"threads_async\._(parameters\.\w+Parameters|base_client\.ClientOptions)"),
    # What `FakeServer.churn` returns is entered and nothing else.
    ("py:class", r"threads_async\.testing\._pace\.Repeating"),
]
default_role = "py:obj"
# Commands are in tables and captions too, and `--quick` must not become a dash.
smartquotes = False

# The build needs no network: these files have the few names that the pages link to, in the plain-text format.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", "inventories/python.inv"),
    "aiohttp": ("https://docs.aiohttp.org/en/stable", "inventories/aiohttp.inv"),
    "attrs": ("https://www.attrs.org/en/stable", "inventories/attrs.inv"),
    "cattrs": ("https://catt.rs/en/stable", "inventories/cattrs.inv"),
}

# One catalogue for each page. Line numbers would change all entries behind a new line.
locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False
gettext_additional_targets = ["raw", "image"]

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"threads_async {release}"
html_static_path = ["_static"]
templates_path = ["_templates"]
# These pages are written from the code, or for its developers. They are not translated.
html_context = {"english_only": {"reference", "benchmarks", "changelog", "explanation", "hosts/versions"}}
# Those of furo, and the switch between the languages.
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_favicon = "favicon.svg"
# The second has the width and the colours of the pictures.
html_css_files = ["site.css", "pictures.css"]

# A copied command has neither its prompt nor its output.
copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

# So the reference cannot leave out a member: tests/test_reference.py checks the rest.
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_rtype = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
