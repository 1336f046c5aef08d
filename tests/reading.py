"""A reader of the documents, which follows a page step by step on a machine that has only what the page names.

The machine is a separate virtual environment with what the README's command installs, an empty home directory and a
clean environment. The reader

- installs what the page installs, from the packages that are installed where the tests run: nothing is downloaded;
- saves a program whose first line is `# name.py` under that name, so that a command of the page can run it or another
  program can import it, and runs every other program at once;
- types the commands of the page into one shell, which keeps exported variables;
- waits for the output of a command in the background, and ends the command at the end of the page;
- reads the file of a fleet on the page, without sending anything;
- saves a configuration of another program under the name in its first line, `# name.conf`; pytest reads its own
  configuration without being told;
- leaves single requests of the API, such as curl commands, to `tests/test_from_the_api.py`;
- compares all output with what the page shows, where `...` stands for any text within a line. Output that the page
  does not show is an error.
"""

import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.metadata import Distribution, distribution
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from packaging.requirements import Requirement
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser

README_INSTALLS: Final = "threads-async[cli]"

PORTS: Final = ("8161", "8162", "8163", "8164")
"""The ports of servers on the pages. They may be taken on this machine, so free ports replace them."""

OF_CI: Final = ("python -m pytest", "python -m benchmarks")
"""Commands that CI runs unchanged, with the installation before them. The first one runs these tests."""

_OF_PYTEST: Final = {"conftest.py", "pytest.ini"}
"""Files that pytest reads although its command does not name them."""

PATIENCE: Final = 40.0
"""Maximum time to wait for a command, in seconds."""

REQUESTS: Final = ("bash", "csharp", "properties", "py")
"""The languages of single requests: curl, C#, a cube of ZennoPoster, and a line of Python. `tests/test_from_the_api.py`
sends each of them, so the reader does not."""

_INSTALLING: Final = re.compile(r"python -m pip install ([^&]+?)(?: && (.+))?")

_CHECK_OF_FLEET: Final = """
import os, pathlib, tomllib
from threads_async import Fleet
for machine in tomllib.loads(pathlib.Path("fleet.toml").read_text())["machines"].values():
    if "token_env" in machine:
        os.environ[machine["token_env"]] = "x"
    else:
        pathlib.Path(machine["token_file"]).write_text("x")
print(len(Fleet.from_file("fleet.toml").clients))
"""
"""A program that prints the number of machines of a fleet."""

_ENVIRONMENT: Final = ("python3 -m venv .venv", ". .venv/bin/activate")
"""Commands that create and activate the virtual environment. The machine already is one."""

_SERVERS: Final = ("threads-async serve ", "uvicorn ", "nginx ", "haproxy ")
"""Commands that run until they are stopped. The page continues in another terminal, the reader in the same shell."""


def distributions(wanted: Iterable[str]) -> list[Distribution]:
    """Return what pip would install for `wanted`, with its dependencies. All of it must be installed here."""
    waiting = [Requirement(one) for one in wanted]
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    while waiting:
        one = waiting.pop()
        key = (one.name, frozenset(one.extras))
        if key not in found:
            found[key] = distribution(one.name)
            needed = map(Requirement, found[key].requires or ())
            extras = ["", *one.extras]
            waiting += [
                need
                for need in needed
                if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
            ]
    return list(found.values())


def must_match(expected: str, printed: str) -> None:
    """Assert that `printed` is like `expected`, where `...` stands for any text within a line."""
    assert is_like(expected, printed), f"the page shows:\n{expected}\nprinted:\n{printed}"


def is_like(expected: str, printed: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.strip("\n").split("..."))
    return re.fullmatch(pattern, printed.strip("\n")) is not None


def free_ports(count: int) -> list[str]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in sockets]


class Machine:
    """A virtual environment and a shell in it, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        builder = venv.EnvBuilder(symlinks=True)
        self._venv = folder / "venv"
        builder.create(self._venv)
        here = str(Path(sys.executable).parent)
        path = [str(self._venv / "bin"), *(one for one in os.get_exec_path() if one != here)]
        self._status, writing = os.pipe()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env={"PATH": os.pathsep.join(path), "HOME": str(self.home), "LANG": "C.UTF-8"},
            pass_fds=[writing],
            start_new_session=True,
        )
        self._report = writing
        os.close(writing)

    def install(self, *wanted: str) -> None:
        """Install what the machine does not yet have of `wanted`."""
        (site,) = self._venv.glob("lib/python*/site-packages")
        for one in distributions(wanted):
            tops = {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}
            for top in tops:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(one.locate_file(top))))
            for point in one.entry_points.select(group="console_scripts"):
                script = self._venv / "bin" / point.name
                script.write_text(
                    f"#!{self._venv}/bin/python\nimport sys\nfrom {point.module} import {point.attr}\n"
                    f"sys.exit({point.attr}())\n"
                )
                script.chmod(0o755)

    def run(self, command: str, shown: str = "") -> str:
        """Type `command` and return its output. Its exit code must be 0.

        Args:
            command: A bash command. With `&` at its end it continues in the background.
            shown: The output to wait for if it runs in the background.
        """
        assert self._shell.stdin is not None
        line = f"{{ {command}\n}} </dev/null {self._report}>&-; echo $? >&{self._report}\n"
        self._shell.stdin.write(line.encode())
        self._shell.stdin.flush()
        printed, status, done = b"", "", False
        waiting = command.endswith("&")
        deadline = time.monotonic() + PATIENCE
        while ready := self._wait(0.0 if done else deadline - time.monotonic()):
            if self._output in ready:
                printed += os.read(self._output, 65536)
            if self._status in ready:
                status = os.read(self._status, 64).decode().strip()
                assert status, f"{command}: the shell has ended\n{printed.decode()}"
            done = bool(status) and (not waiting or is_like(shown, printed.decode()))
        assert done, f"{command}: no more output after\n{printed.decode()}"
        assert status == "0", f"{command}: exit code {status}\n{printed.decode()}"
        # A terminal does not show the carriage return.
        return printed.decode().replace("\r\n", "\n")

    @property
    def _output(self) -> int:
        assert self._shell.stdout is not None
        return self._shell.stdout.fileno()

    def _wait(self, seconds: float) -> list[int]:
        """Return which of output and status can be read, or nothing after `seconds`."""
        return select.select([self._output, self._status], [], [], max(0.0, seconds))[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The shell leads its own process group. This ends the shell and the processes that it started, but no others.
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
        os.close(self._status)


class Reader:
    """Reads one page on one machine.

    Args:
        machine: The machine on which to follow the page.

    Attributes:
        ports: The ports that replace those on the page.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._machine.install(README_INSTALLS)
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._printed = ""
        self._saved: set[str] = set()

    def read(self, page: Path) -> None:
        """Follow `page`.

        Raises:
            AssertionError: Something on the page is not true.
        """
        document = SYBIL.parse(page)
        document.namespace["reader"] = self
        for example in document.examples():
            example.evaluate()
        self.settle()
        assert not self._saved, f"no command runs {self._saved}"

    def here(self, text: str) -> str:
        """Return `text` with the ports of this machine."""
        return re.sub("|".join(PORTS), lambda found: self.ports[found[0]], text)

    def settle(self) -> None:
        """Assert that the page has shown all output so far."""
        must_match("", self._printed)

    def program(self, source: str) -> None:
        """Save a program. Run it unless it has a name."""
        self.settle()
        named = re.match(r"# (\w+\.py)\n", source)
        name = "program.py" if named is None else named[1]
        (self._machine.home / name).write_text(self.here(source), encoding="utf-8")
        self._saved -= {f"{module}.py" for module in re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)}
        if named is None:
            self._printed = self._machine.run(f"python {name}")
        else:
            self._saved.add(name)

    def fleet(self, source: str) -> None:
        """Read `source` as the file of a fleet whose tokens are all there."""
        self.settle()
        (self._machine.home / "fleet.toml").write_text(source, encoding="utf-8")
        (self._machine.home / "check.py").write_text(_CHECK_OF_FLEET, encoding="utf-8")
        must_match(str(source.count("[machines.")), self._machine.run("python check.py"))

    def configuration(self, source: str) -> None:
        """Save the configuration of another program. Its first line says the name of its file."""
        self.settle()
        named = re.match(r"# (\w+\.\w+)\n", source)
        assert named is not None, f"a configuration without a name: {source}"
        (self._machine.home / named[1]).write_text(self.here(source), encoding="utf-8")
        self._saved.add(named[1])

    def output(self, shown: str) -> None:
        """Compare the output of the last program with what the page shows."""
        printed, self._printed = self._printed, ""
        must_match(self.here(shown), printed)

    def session(self, text: str) -> None:
        """Type the commands after `$ `, and compare their output with the lines below them.

        If the block shows commands only, the next block shows their output, also for the form for PowerShell.
        """
        self.settle()
        parts = re.split(r"^\$ ", self.here(text), flags=re.MULTILINE)[1:]
        commands_only = not any(part.partition("\n")[2] for part in parts)
        for part in parts:
            command, _, shown = part.partition("\n")
            # `uvicorn app:app` runs `app.py`.
            self._saved -= {*command.split(), *(f"{word.partition(':')[0]}.py" for word in command.split())}
            if command.startswith("python -m pytest "):
                self._saved -= _OF_PYTEST
            if command.startswith(_SERVERS):
                command = f"{command} &"
            printed = self._machine.run(command, shown)
            if commands_only:
                self._printed += printed
            else:
                must_match(shown, printed)

    def commands(self, text: str) -> None:
        """Install what the lines of `text` install, and run the commands that follow."""
        self.settle()
        for line in text.strip().splitlines():
            if line in _ENVIRONMENT:
                continue
            match = _INSTALLING.fullmatch(line)
            assert match is not None, f"not a command that installs: {line}"
            if match[2] not in OF_CI:
                wanted = shlex.split(match[1].replace("-e .", "threads-async").replace('-e ".', '"threads-async'))
                self._machine.install(*wanted)
                self._machine.run(match[2] or "true")


def _reader(example: Example) -> Reader:
    reader = example.namespace["reader"]
    assert isinstance(reader, Reader)
    return reader


SYBIL: Final = Sybil(
    parsers=[
        CodeBlockParser("python", lambda example: _reader(example).program(str(example.parsed))),
        CodeBlockParser("text", lambda example: _reader(example).output(str(example.parsed))),
        CodeBlockParser("console", lambda example: _reader(example).session(str(example.parsed))),
        CodeBlockParser("toml", lambda example: _reader(example).fleet(str(example.parsed))),
        CodeBlockParser("nginx", lambda example: _reader(example).configuration(str(example.parsed))),
        CodeBlockParser("ini", lambda example: _reader(example).configuration(str(example.parsed))),
        CodeBlockParser("sh", lambda example: _reader(example).commands(str(example.parsed))),
        # The block of a POSIX shell that follows does the same: tests/test_documents.py compares the two.
        CodeBlockParser("powershell", lambda _: None),
        *[CodeBlockParser(language, lambda _: None) for language in REQUESTS],
    ]
)
