"""A newcomer can follow README and docs: every program and every command in them is run."""

import asyncio
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from powershell import faults, in_posix, statements
from reading import REQUESTS, SYBIL, Machine, Reader

from threads_async import ExecutionThread
from threads_async.testing import FakeServer

ROOT = Path(__file__).resolve().parent.parent


def pages(root: Path) -> list[Path]:
    """Return the sources of the documents, without built files."""
    docs = root / "docs"
    built = docs / "_build"
    return [root / "README.md", *sorted(path for path in docs.rglob("*.md") if built not in path.parents)]


def page_of(path: Path) -> Any:
    return pytest.param(path, id=path.relative_to(ROOT).as_posix())


HOSTS = ROOT / "docs" / "hosts"
"""The pages about other programs, which `tests/hosts/follow.py` reads where these programs are installed."""

EVERY_PAGE = pytest.mark.parametrize("page", [page_of(path) for path in pages(ROOT)])
EVERY_PAGE_FOR_ALL = pytest.mark.parametrize("page", [page_of(path) for path in pages(ROOT) if path.parent != HOSTS])

FOR_DEVELOPERS = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
"""Their commands need tools that no user installs, so they are not run."""

EVERY_DOCUMENT = pytest.mark.parametrize("page", [page_of(path) for path in [*pages(ROOT), *FOR_DEVELOPERS]])


@pytest.fixture(scope="module")
def _bash() -> None:
    if shutil.which("bash") is None:  # pragma: no cover - most machines have it
        pytest.skip("the commands of the documents need a Unix shell")


def read_in(folder: Path, page: Path) -> None:
    with Machine(folder) as machine:
        Reader(machine).read(page)


@pytest.fixture(scope="module")
def readings(
    _bash: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Any]]:
    """Read the selected pages in parallel, one per processor, because starting Python takes most of the time."""
    asked = [item.callspec for item in request.session.items if "readings" in getattr(item, "fixturenames", ())]  # type: ignore[attr-defined]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            one.params["page"]: pool.submit(read_in, tmp_path_factory.mktemp("page"), one.params["page"])
            for one in asked
        }


@EVERY_PAGE_FOR_ALL
def test_every_block_of_the_page_does_what_the_page_shows(page: Path, readings: dict[Path, Any]) -> None:
    readings[page].result()


@pytest.fixture
def read(_bash: None, tmp_path: Path) -> Callable[[str], None]:
    """A function that reads a page with this text."""

    def read(text: str) -> None:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        page = folder / "page.md"
        page.write_text(text, encoding="utf-8")
        read_in(folder, page)

    return read


def block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n\n"


def test_different_output_of_a_program_is_detected(read: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match="the page shows:\ntwo"):
        read(block("python", "print('one')") + block("text", "two"))


@pytest.mark.parametrize("more", ["", block("python", ""), block("sh", ""), block("console", "")])
def test_output_that_the_page_does_not_show_is_detected(read: Callable[[str], None], more: str) -> None:
    with pytest.raises(AssertionError, match="printed:\none"):
        read(block("python", "print('one')") + more)


def test_a_wrong_file_of_a_fleet_is_detected(read: Callable[[str], None]) -> None:
    machine = "[machines.a]\nbase_url = 'http://x'\n"

    read(block("toml", f"{machine}token_env = 'A'"))
    read(block("toml", f"{machine}token_file = 'a.txt'"))
    with pytest.raises(AssertionError, match="no such setting"):
        read(block("toml", f"{machine}token_env = 'A'\ntokens = 'x'"))


def test_different_output_of_a_command_is_detected(read: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match="printed:\none"):
        read(block("console", "$ echo one\ntwo"))


def test_the_output_of_commands_only_is_compared_with_the_next_block(read: Callable[[str], None]) -> None:
    commands = block("console", "$ echo one\n$ echo two")

    read(commands + block("text", "one\ntwo"))
    with pytest.raises(AssertionError, match="printed:\none\ntwo"):
        read(commands)


def test_a_configuration_is_saved_for_the_command_that_reads_it(read: Callable[[str], None]) -> None:
    read(block("nginx", "# mine.conf\nlisten 8161;") + block("console", "$ head -1 mine.conf\n# mine.conf"))
    with pytest.raises(AssertionError, match="without a name"):
        read(block("ini", "[section]"))


def test_pytest_reads_its_own_files_without_being_told(read: Callable[[str], None]) -> None:
    ours = block("sh", "python -m pip install pytest") + block("python", "# conftest.py\nprint('mine')")

    read(ours + block("console", "$ python -m pytest --version > printed.txt 2>&1"))
    with pytest.raises(AssertionError, match=r"no command runs \{'conftest.py'\}"):
        read(ours)


@pytest.mark.parametrize("text", [block("python", "1 / 0"), block("console", "$ (exit 3)")])
def test_a_program_or_command_that_fails_is_detected(read: Callable[[str], None], text: str) -> None:
    with pytest.raises(AssertionError, match=r"exit code [13]"):
        read(text)


def test_a_program_that_no_command_runs_is_detected(read: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match=r"no command runs \{'mine.py'\}"):
        read(block("python", "# mine.py\n1 / 0"))


def test_a_saved_program_can_be_imported_by_the_next_one(read: Callable[[str], None]) -> None:
    read(block("python", "# mine.py\nprint('one')") + block("python", "import mine") + block("text", "one"))


def test_a_command_that_does_not_end_is_detected(read: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reading.PATIENCE", 0.2)

    with pytest.raises(AssertionError, match="no more output"):
        read(block("console", "$ sleep 60"))


def test_a_command_that_ends_the_shell_is_detected(read: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match="the shell has ended"):
        read(block("console", "$ exit"))


def test_a_page_sees_only_the_settings_that_it_sets(
    read: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", "hidden")
    program = block("python", "import os\nprint([name for name in os.environ if name.startswith('ZB_')])")

    read(
        program
        + block("text", "[]")
        + block("console", "$ export ZB_API_TOKEN=shown")
        + program
        + block("text", "['ZB_API_TOKEN']")
    )


def test_a_page_has_only_the_packages_that_it_installs(read: Callable[[str], None]) -> None:
    names = ["aiohttp", "rich", "threads_async", "pytest", "pytest_asyncio"]
    program = f"from importlib.util import find_spec\nprint([name for name in {names} if find_spec(name)])"

    read(
        block("python", program)
        + block("text", str(names[:3]))
        + block("sh", "python -m pip install pytest-asyncio")
        + block("python", program)
        + block("text", str(names))
    )


def test_an_sh_block_that_installs_nothing_is_an_error(read: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match="not a command that installs"):
        read(block("sh", "echo"))


@pytest.mark.usefixtures("_bash")
def test_a_server_in_the_background_ends_with_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    server = "import socket, time; it = socket.create_server(('127.0.0.1', 8161)); print(1, flush=True); time.sleep(99)"
    page.write_text(block("console", f'$ python -c "{server}" &\n1'), encoding="utf-8")

    with Machine(tmp_path) as machine:
        reader = Reader(machine)
        reader.read(page)
        address = ("127.0.0.1", int(reader.ports["8161"]))
        socket.create_connection(address).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_built_files_are_not_pages(tmp_path: Path) -> None:
    source = tmp_path / "docs" / "how-to" / "mine.md"
    built = tmp_path / "docs" / "_build" / "html" / "_static" / "mine.md"
    for path in (source, built):
        path.parent.mkdir(parents=True)
        path.touch()

    assert [tmp_path / "README.md", source] == pages(tmp_path)


@EVERY_PAGE
def test_no_block_of_the_page_is_left_out(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)$", text, re.MULTILINE)

    assert len(blocks) == len(list(SYBIL.parse(page).examples()))
    # tests/test_from_the_api.py reads the requests of this page, and of no other.
    more = REQUESTS if page.name == "from-the-api.md" else ()
    assert set(blocks) <= {"python", "text", "console", "sh", "powershell", "toml", "nginx", "ini", *more}


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block of the page."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def typed(language: str, text: str) -> list[str]:
    """Return the commands of a block for a POSIX shell."""
    lines = re.findall(r"^\$ (.+)$", text, re.MULTILINE) if language == "console" else [text]
    return [command for line in lines for command in statements(line)]


def same_in_both(command: str) -> bool:
    """Return whether a command for a POSIX shell is the same in PowerShell."""
    return not re.match(r"(export|unset|\.|python3|python -m pip) ", command) and not re.search(
        r"[|&$';<>\\`]", command
    )


@EVERY_DOCUMENT
def test_every_command_of_the_page_has_a_form_for_powershell(page: Path) -> None:
    # What these pages are about does not run on Windows, as they say.
    blocks = [] if page.name in {"benchmarks.md", "uvloop.md", "proxies.md"} else blocks_of(page)
    for number, (language, text) in enumerate(blocks):
        if language in {"sh", "console"} and not all(map(same_in_both, typed(language, text))):
            assert "powershell" == blocks[number - 1][0], f"no form for PowerShell: {text}"


@EVERY_DOCUMENT
def test_the_two_forms_of_a_command_do_the_same(page: Path) -> None:
    blocks = blocks_of(page)
    for number, (language, text) in enumerate(blocks):
        if language == "powershell":
            assert [] == faults(text)
            assert in_posix(text) == typed(*blocks[number + 1])


@pytest.mark.parametrize(
    "text", ["threads-async count && threads-async list", 'echo "', "threads-async count || exit", "if (1) {"]
)
def test_a_command_that_windows_powershell_rejects_is_detected(text: str) -> None:
    assert [] != faults(text)


@pytest.mark.parametrize("text", ["export A=1", "threads-async list | wc -l", "A=1 threads-async list", "ls"])
def test_a_command_without_a_translation_is_detected(text: str) -> None:
    with pytest.raises(AssertionError, match="no translation"):
        in_posix(text)


def test_the_two_forms_of_a_command_are_compared() -> None:
    source = """
py -m venv .venv
Set-ExecutionPolicy -Scope Process RemoteSigned -Force
.venv\\Scripts\\Activate.ps1
$env:A = "b c"
Remove-Item Env:A
py -m pip install -e ".[cli]"
threads-async list --demo | Select-Object -First 2
threads-async count; echo $LASTEXITCODE
"""

    assert in_posix(source) == [
        "python3 -m venv .venv",
        ". .venv/bin/activate",
        "export A='b c'",
        "unset A",
        'python -m pip install -e ".[cli]"',
        "threads-async list --demo | head -2",
        "threads-async count; echo $?",
    ]
    assert statements('a "b" && c\nexport A=1 B=2\nd &') == ['a "b"', "c", "export A=1", "export B=2", "d"]


@EVERY_DOCUMENT
def test_links_between_pages_have_targets(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [] == [target for target in targets if not (page.parent / target).exists()]


def crawler(folder: Path) -> dict[str, Any]:
    """Return the names of the tutorial's crawler, with its file in `folder`, without running it."""
    (source,) = [text for _, text in blocks_of(ROOT / "docs" / "tutorial.md") if text.startswith("# crawler.py")]
    names: dict[str, Any] = {"__name__": "crawler"}
    exec(source.replace("asyncio.run(main())", ""), names)  # noqa: S102 - our own page
    names["DONE"] = folder / "done.jsonl"
    return names


async def test_the_crawler_of_the_tutorial_survives_a_restart_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = crawler(tmp_path)
    visited: list[ExecutionThread] = []
    waits: list[float] = []
    async with FakeServer(threads=1000) as server:
        monkeypatch.setenv("ZB_API_TOKEN", server.token)
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)

        async def visit(thread: ExecutionThread) -> None:
            visited.append(thread)
            if len(visited) == 300:
                await server.stop()

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            await server.start()

        names["visit"] = visit
        names["asyncio"] = SimpleNamespace(sleep=sleep, TaskGroup=asyncio.TaskGroup)
        await names["main"]()

    assert 1 in waits
    tokens = sorted(str(thread.thread_token) for thread in server.threads)
    assert tokens == sorted(str(thread.thread_token) for thread in visited)
    assert set(visited) == names["read_done"]()


async def test_the_crawler_of_the_tutorial_continues_after_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[ExecutionThread] = []
    crawlers: list[asyncio.Task[None]] = []

    async def visit(thread: ExecutionThread) -> None:
        await asyncio.sleep(0)
        visited.append(thread)
        if len(visited) == 300:
            crawlers[0].cancel()  # what asyncio.run does after Ctrl-C

    async with FakeServer(threads=1000) as server:
        monkeypatch.setenv("ZB_API_TOKEN", server.token)
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)
        for _ in range(2):
            names = crawler(tmp_path)
            names["visit"] = visit
            crawlers.append(asyncio.create_task(names["main"]()))
            await asyncio.wait(crawlers)

    assert [True, False] == [one.cancelled() for one in crawlers]
    assert 1000 == len(visited) == len(set(visited))


def test_the_index_of_the_hosts_shows_every_page() -> None:
    pages = {path.name for path in HOSTS.glob("*.md")} - {"index.md"}

    assert pages == {one for one in re.findall(r"\]\(([^)]+)\)", (HOSTS / "index.md").read_text()) if "/" not in one}


def test_every_test_that_a_promise_names_exists() -> None:
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert named
    assert set() == {name for name in named if f"def {name}(" not in code}


def test_the_page_lists_the_exit_codes_of_the_command() -> None:
    from threads_async.cli._exits import EXIT_CODES

    page = (ROOT / "docs" / "how-to" / "command-line.md").read_text(encoding="utf-8")

    assert {str(code): meaning for code, meaning in EXIT_CODES.items()} == dict(
        re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)
    )


def test_the_readme_has_only_links_that_work_outside_the_repository() -> None:
    text = str(metadata("threads-async").json["description"])

    assert "# threads_async" in text
    assert [] == [target for target in re.findall(r"\]\(([^)]*)\)", text) if not target.startswith("https://")]


def links_of(page: Path) -> list[str]:
    """Return the targets of the links of `page`: addresses, and files relative to the root."""
    targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    return [
        one if one.startswith("https:") else os.path.relpath(page.parent / one, ROOT).replace(os.sep, "/")
        for one in targets
    ]


def test_the_russian_readme_has_the_blocks_and_the_links_of_the_english_one() -> None:
    english, russian = ROOT / "README.md", ROOT / "docs" / "README.ru.md"

    assert blocks_of(english) == blocks_of(russian)
    assert set(links_of(english)) - {"docs/README.ru.md"} == set(links_of(russian)) - {"README.md"}


def test_the_readme_has_its_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert [
        'python -m pip install -e ".[cli]" && threads-async list --demo',
        'python -m pip install -e ".[test]" && python -m pytest',
    ] == [line for line in lines if line.startswith("python -m pip install")]
