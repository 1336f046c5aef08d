"""Which module may import what, and which names are public."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import threads_async

PACKAGE = Path(threads_async.__file__).parent
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}


def imports_of(path: Path) -> set[str]:
    """Return the full names of all modules and names that are imported anywhere in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def reaches(path: Path, *wanted: str) -> set[str]:
    return {name for name in imports_of(path) for root in wanted if name == root or name.startswith(f"{root}.")}


@pytest.mark.parametrize(
    "module",
    [
        "models",
        "queries",
        "errors",
        "retry",
        "converters",
        "redaction",
        "_actions",
        "_fleet_checks",
        "_fleet_error",
        "_fleet_values",
        "_parameters",
        "_token_sources",
        "_checks",
        "_codec",
        "_endpoints",
        "_exchange",
        "_records",
        "_rows",
        "_paging",
        "_plain",
        "_consistent",
        "_states",
        "_place",
        "_keys",
        "_window",
        "_cadence",
        "_looks",
        "_picture",
        "_unread",
        "_watched",
        "_secrets",
        "_settings",
        "_logs",
        "_status",
        "_targets",
        "_tracebacks",
    ],
)
def test_pure_modules_do_no_io(module: str) -> None:
    assert set() == reaches(MODULES[module], "asyncio", "aiohttp", "socket", "tenacity", "time", "random", "os")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_the_transport_the_client_and_the_fake_import_aiohttp(module: str) -> None:
    allowed = module in ("_transport", "_reading", "_session", "_failures", "_base_client") or module.startswith(
        "testing/"
    )

    assert allowed or set() == reaches(MODULES[module], "aiohttp")


def test_the_errors_import_nothing_from_this_package() -> None:
    assert set() == reaches(MODULES["errors"], "threads_async")


@pytest.mark.parametrize("module", sorted(name for name in MODULES if "/" not in name and name != "__main__"))
def test_the_client_imports_neither_the_fake_nor_the_command(module: str) -> None:
    assert set() == reaches(MODULES[module], "threads_async.testing", "threads_async.cli", "click", "rich")


DASK = ("dask", "_answers", "_cluster", "_lookout", "_on_worker", "_outcomes", "_remote")


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name not in DASK))
def test_only_the_modules_for_dask_import_it(module: str) -> None:
    ours = [f"threads_async.{name}" for name in DASK]

    assert set() == reaches(MODULES[module], "dask", "distributed", "cloudpickle", *ours)


def test_without_dask_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "threads_async.dask", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(ImportError, match=r'^threads_async.dask needs Dask: pip install "threads-async\[dask\]"$'):
        importlib.import_module("threads_async.dask")


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("testing/")))
def test_the_fake_does_not_use_our_own_encoder(module: str) -> None:
    assert set() == reaches(
        MODULES[module],
        *(
            f"threads_async.{name}"
            for name in (
                "_endpoints",
                "_exchange",
                "_codec",
                "_records",
                "converters",
                "_paging",
                "_plain",
                "_consistent",
                "_transport",
            )
        ),
    )


def test_all_is_sorted_and_equal_to_the_visible_names() -> None:
    visible = {
        name
        for name, value in vars(threads_async).items()
        if not name.startswith("_") and type(value).__name__ != "module"
    }

    assert sorted(threads_async.__all__) == threads_async.__all__
    assert visible | {"__version__"} == set(threads_async.__all__)


def test_importing_the_package_imports_neither_the_command_nor_the_fake_nor_dask() -> None:
    code = (
        "import sys, threads_async\n"
        "unwanted = 'click', 'rich', 'pytest', 'distributed', 'threads_async.testing', 'threads_async.cli'\n"
        "print([name for name in unwanted if name in sys.modules])"
    )

    assert "[]" == subprocess.check_output([sys.executable, "-c", code], text=True).strip()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_has_more_than_260_lines(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 260
