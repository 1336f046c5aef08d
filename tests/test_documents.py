"""README and docs are run: every program in them, and every command."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.document import Document
from sybil.parsers.myst import CodeBlockParser

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
INSTALLING = re.compile(r'python -m pip install (-e "\.(\[\w+\])?"|"threads-async(\[\w+\])?")( && .*)?')


def must_match(expected: str, printed: str) -> None:
    """Compare line by line; `...` stands for any text in a line."""
    pattern = ".*".join(re.escape(part) for part in expected.strip("\n").split("..."))
    assert re.fullmatch(pattern, printed.strip("\n")), f"expected:\n{expected}\nprinted:\n{printed}"


def run_program(example: Example) -> None:
    source = str(example.parsed)
    if re.search(r"^(async )?def test_", source, re.MULTILINE):
        run_tests(source)
        return
    out = io.StringIO()
    code = compile(source, f"{example.path}:{example.line}", "exec")
    with contextlib.redirect_stdout(out):
        exec(code, {"__name__": "__main__"})  # noqa: S102 - that is what a document's program is for
    example.namespace["printed"] = out.getvalue()


def run_tests(source: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_mine.py").write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "--rootdir", folder, "-p", "no:cacheprovider", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def compare_output(example: Example) -> None:
    must_match(str(example.parsed), example.namespace.pop("printed"))


def run_commands(example: Example) -> None:
    """Run a session: lines after `$ ` are commands, the lines after them what they print."""
    if shutil.which("bash") is None:  # pragma: no cover - most machines have it
        pytest.skip("the commands of the documents are those of a Unix shell")
    for part in re.split(r"^\$ ", str(example.parsed), flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        shown = command.replace("threads-async", f"{shlex.quote(sys.executable)} -m threads_async")
        done = subprocess.run(
            ["bash", "-c", shown],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=os.environ | {"COLUMNS": "80"},
        )
        must_match(expected, done.stdout)


def check_installing(example: Example) -> None:
    """Commands that install are run by CI as they stand in the README; here they must be of that form."""
    for line in str(example.parsed).strip().splitlines():
        assert INSTALLING.fullmatch(line), line


SYBIL = Sybil(
    parsers=[
        CodeBlockParser("python", run_program),
        CodeBlockParser("text", compare_output),
        CodeBlockParser("console", run_commands),
        CodeBlockParser("sh", check_installing),
    ]
)


def document_of(page: Path) -> Document:
    return SYBIL.parse(page)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A server in a thread of its own: the programs of the documents run event loops themselves."""
    import asyncio

    from threads_async.testing import FakeServer

    loop = asyncio.new_event_loop()
    server = FakeServer(threads=25)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_of_the_page_runs(page: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", server.token)
    monkeypatch.setenv("ZB_API_BASE_URL", server.url)

    for example in document_of(page).examples():
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_block_of_the_page_is_left_out(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)$", text, re.MULTILINE)

    assert len(blocks) == len(list(document_of(page).examples()))
    assert set(blocks) <= {"python", "text", "console", "sh"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [] == [target for target in targets if not (page.parent / target).exists()]


def test_every_test_that_a_promise_names_exists() -> None:
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert named
    assert set() == {name for name in named if f"def {name}(" not in code}


def test_the_exit_codes_of_the_page_are_those_of_the_command() -> None:
    from threads_async.cli._exits import EXIT_CODES

    page = (ROOT / "docs" / "how-to" / "command-line.md").read_text(encoding="utf-8")

    assert {str(code): meaning for code, meaning in EXIT_CODES.items()} == dict(
        re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)
    )


def test_the_readme_has_its_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert [
        'python -m pip install -e ".[cli]" && threads-async list --demo',
        'python -m pip install -e ".[test]" && python -m pytest',
    ] == [line for line in lines if line.startswith("python -m pip install")]
