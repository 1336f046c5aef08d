"""The reference has exactly the public names, and the picture has exactly the modules that data passes."""

import ast
import inspect
import re
import runpy
from pathlib import Path
from typing import Any

import attrs
import pytest

import threads_async
from threads_async import dask, testing
from threads_async.testing import wire

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGE = Path(threads_async.__file__).parent
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")

MODULES = (threads_async, dask, testing)
"""The modules with public names, except `wire`, which has no `__all__`."""

ACTIONS = {"_action_methods", "_actions", "_acting", "_gone", "_several", "_slots", "_targets", "lease"}
WATCH = {"_cadence", "_looks", "_picture", "_unread", "_watched"}
FLEET = {path.stem for path in PACKAGE.glob("*fleet*.py")} | {
    *("_each_machine", "_in_flight", "_parameters", "_token_sources"),
}
ELSEWHERE = {
    "__init__",
    "__main__",
    "_version",
    "_closing",
    "_ending",
    "_rows",
    "_tracebacks",
    "_pydantic",
    "redaction",
}
DASK = {"_answers", "_cluster", "_lookout", "_on_worker", "_outcomes", "_remote", "dask"}
NOT_ON_THE_WAY = ELSEWHERE | ACTIONS | WATCH | FLEET | DASK
"""Modules that no data of a listing passes, or that the picture has no room for: the entry points, the version, the
code for an early end, a function for the tools of users, the actions, the watch, the fleet and Dask."""


def documented(page: str) -> list[str]:
    """Return the full names in the autodoc directives on `page`."""
    module = ""
    names = []
    for kind, name in re.findall(r"^\.\. (currentmodule|auto\w+|py:data):: ([\w.]+)", page, re.MULTILINE):
        if kind == "currentmodule":
            module = name
        else:
            names.append(f"{module}.{name}")
    return names


def public() -> set[str]:
    """Return the full public names: those in all `__all__`, and those that the module `wire` defines."""
    tree = ast.parse(Path(wire.__file__).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    defined |= {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return {
        *(f"{module.__name__}.{name}" for module in MODULES for name in module.__all__),
        *(f"{wire.__name__}.{name}" for name in defined if not name.startswith("_")),
    }


def classes() -> list[type]:
    values = [getattr(module, name) for module in MODULES for name in module.__all__]
    return [value for value in values if inspect.isclass(value)]


def test_the_reference_has_every_public_name_once_and_no_other() -> None:
    assert sorted(public()) == sorted(documented(REFERENCE))


def test_no_directive_of_the_reference_omits_members() -> None:
    conf: dict[str, Any] = runpy.run_path(str(DOCS / "conf.py"))

    assert {"members": True} == conf["autodoc_default_options"]
    assert {"no-value", "inherited-members"} == set(re.findall(r"^   :([\w-]+):", REFERENCE, re.MULTILINE))


@pytest.mark.parametrize("owner", classes())
def test_a_public_member_is_defined_where_the_reference_shows_it(owner: type) -> None:
    """For a class, autodoc shows the members that the class itself defines and that have a docstring."""
    ours = [base for base in owner.__mro__ if base.__module__.startswith("threads_async")]
    members = {name for base in ours for name in vars(base) if not name.startswith("_")}
    inherited = re.search(rf"autoclass:: {owner.__name__}(?:\(\))?\n   :inherited-members:", REFERENCE) is not None
    shown = {name for base in ours if inherited or base in classes() for name in vars(base)}

    assert set() == members - shown
    assert set() == {
        name
        for name in members
        if (callable(value := getattr(owner, name)) or isinstance(value, property)) and not inspect.getdoc(value)
    }


def attributes_of(owner: type) -> set[str]:
    """Return the public attributes of an instance of `owner`."""
    if attrs.has(owner):
        names = {field.name for field in attrs.fields(owner)}
    elif owner in (testing.FakeServer, testing.WireServer):
        names = set(vars(testing.FakeServer() if owner is testing.FakeServer else testing.WireServer(wire.hang())))
    elif owner is threads_async.FleetError:
        names = set(vars(threads_async.FleetError("text", {"a": threads_async.ThreadsError("text")})))
    elif issubclass(owner, Exception):
        names = set(vars(owner("text")))
    else:
        names = set()
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("owner", classes())
def test_the_docstring_of_a_class_describes_every_attribute(owner: type) -> None:
    told = "".join(inspect.cleandoc(base.__doc__ or "") for base in owner.__mro__ if base in classes())
    _, _, attributes = told.partition("Attributes:")

    assert set() == {
        name for name in attributes_of(owner) if not re.search(rf"^    {name}: ", attributes, re.MULTILINE)
    }


def modules_in_the_picture() -> set[str]:
    picture = (DOCS / "_static" / "way-of-the-data.svg").read_text(encoding="utf-8")
    return {name for text in re.findall(r'class="module"[^>]*>([^<]+)<', picture) for name in text.split(", ")}


def test_the_picture_has_every_module_that_data_passes() -> None:
    there = {path.stem for path in PACKAGE.glob("*.py")}

    assert there - NOT_ON_THE_WAY == modules_in_the_picture()
