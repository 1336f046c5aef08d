"""The commands that `serve` prints work when they are pasted."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from cli_support import SECONDS, environment, running
from powershell import faults

from threads_async.cli._pasted import (
    InEnvironment,
    InFile,
    Shell,
    Shown,
    Token,
    Typed,
    condition_of,
    list_line,
    request_line,
    shell_of,
)
from threads_async.testing import FakeServer

URL: Final = "http://127.0.0.1:8160"
SESAME: Final = "Sesame-0123456789"

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no POSIX shell")


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    server = FakeServer(3, token=SESAME)
    with running(server):
        yield server


def run(command: str, typed: str = "", **variables: str) -> str:
    scripts = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-c", command],
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment(PATH=scripts, **variables),
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def token_in(kind: str, folder: Path) -> tuple[Token, dict[str, str]]:
    """Return a token of this kind, and the keyword arguments that `run` needs for it."""
    path = folder / 'it\'s my token; $(false) `false` "x" [1] ?.txt'
    path.write_text(f"{SESAME}\n", encoding="utf-8")
    known: dict[str, tuple[Token, dict[str, str]]] = {
        "shown": (Shown(SESAME), {}),
        "file": (InFile(str(path)), {}),
        "environment": (InEnvironment(), {"ZB_API_TOKEN": SESAME}),
        "typed": (Typed(), {"typed": f"{SESAME}\n"}),
    }
    return known[kind]


kinds = pytest.mark.parametrize("kind", ["shown", "file", "environment", "typed"])


@posix
@kinds
def test_the_list_command_lists_in_sh(kind: str, server: FakeServer, tmp_path: Path) -> None:
    token, how = token_in(kind, tmp_path)

    output = run(list_line(Shell.POSIX, server.url, token), **how)

    assert [thread.thread_token for thread in server.threads] == [
        json.loads(line)["threadToken"] for line in output.splitlines()
    ]


@posix
@kinds
def test_the_curl_command_sends_the_documented_request_in_sh(kind: str, server: FakeServer, tmp_path: Path) -> None:
    token, how = token_in(kind, tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    curl = folder / "curl"
    # Not every machine has curl, so a stub prints its arguments.
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    curl.chmod(0o755)

    output = run(f"PATH={shlex.quote(str(folder))}:$PATH; {request_line(Shell.POSIX, server.url, token)}", **how)

    assert [
        f"{server.url}/v1/threads?workspaceId=&start=0&total=1000&thread_token=&type=&sorting=",
        "--header",
        f"Api-Token: {SESAME}",
    ] == output.splitlines()


@posix
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed; the test above does not need it")
@kinds
def test_the_curl_command_gets_a_page_in_sh(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:  # pragma: no cover - it needs curl
    token, how = token_in(kind, tmp_path)

    assert 3 == json.loads(run(request_line(Shell.POSIX, server.url, token), **how))["totalCount"]


@pytest.mark.parametrize(
    ("token", "header"),
    [
        (Shown("it's"), "'it''s'"),
        (InFile("C:\\it's\u2019 [1]\\t"), "(Get-Content -Raw -LiteralPath 'C:\\it''s\u2019\u2019 [1]\\t').Trim()"),
        (InEnvironment(), "$env:ZB_API_TOKEN"),
        (Typed(), "(Read-Host)"),
    ],
)
def test_powershell_gets_its_own_command(token: Token, header: str) -> None:
    line = request_line(Shell.POWERSHELL, URL, token)

    assert (
        f"Invoke-RestMethod '{URL}/v1/threads?workspaceId=&start=0&total=1000&thread_token=&type=&sorting=' `\n"
        f"    -Headers @{{ 'Api-Token' = {header} }}"
    ) == line


@pytest.mark.parametrize(
    ("token", "line"),
    [
        (Shown("fake"), f"echo 'fake' | threads-async list --base-url {URL} --token-file -"),
        (InFile("C:\\it's"), f"threads-async list --base-url {URL} --token-file 'C:\\it''s'"),
        (InEnvironment(), f"threads-async list --base-url {URL}"),
        (Typed(), f"threads-async list --base-url {URL} --token-file -"),
    ],
)
def test_the_list_command_is_quoted_for_powershell(token: Token, line: str) -> None:
    assert line == list_line(Shell.POWERSHELL, URL, token)


@pytest.mark.parametrize("token", [Shown("it's"), InFile("C:\\it's\u2019 [1]\\$t"), InEnvironment(), Typed()])
def test_powershell_accepts_the_commands(token: Token) -> None:
    assert [] == faults(request_line(Shell.POWERSHELL, URL, token))
    # PowerShell accepts a dash as an argument, but the grammar does not.
    assert [] == faults(re.sub(" -$", " '-'", list_line(Shell.POWERSHELL, URL, token)))


@pytest.mark.parametrize("shell", Shell)
@pytest.mark.parametrize("token", [InFile("/t"), InEnvironment(), Typed()])
def test_a_command_on_two_lines_has_a_continuation_mark(shell: Shell, token: Token) -> None:
    first, *_ = request_line(shell, URL, token).splitlines()

    assert first.endswith(" \\" if shell is Shell.POSIX else " `")


@pytest.mark.parametrize(
    ("system", "variables", "shell"),
    [
        ("posix", {"SHELL": "/bin/bash"}, Shell.POSIX),
        ("posix", {}, Shell.POSIX),
        ("posix", {"SHELL": "/bin/bash", "PSModulePath": "/opt"}, Shell.POWERSHELL),
        ("nt", {"PSModulePath": "C:\\"}, Shell.POWERSHELL),
        ("nt", {"PSModulePath": "C:\\", "SHELL": "/usr/bin/bash"}, Shell.POSIX),
    ],
)
def test_the_shell_is_detected_from_the_environment(system: str, variables: dict[str, str], shell: Shell) -> None:
    assert shell is shell_of(system, variables)


def test_the_requirements_of_a_command_are_stated() -> None:
    assert "where ZB_API_TOKEN has the same value" in condition_of(InEnvironment())
    assert "type the token" in condition_of(Typed())
    assert "" == condition_of(InFile("/t")) == condition_of(Shown("x"))
