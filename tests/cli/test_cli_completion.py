"""Shell completion, set up with the lines from the command-line page."""

import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest
from cli_support import COMMAND, SECONDS, environment
from powershell import faults

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "command-line.md"
# How to ask each shell what completes the command.
ASKING = {
    "bash": "complete -p threads-async",
    "zsh": "print $_comps[threads-async]",
    "fish": "complete -C 'threads-async list --max-'",
}


def line_of_the_page(shell: str) -> str:
    """Return the line that the page tells the user to add to the start-up file of the shell."""
    (line,) = re.findall(rf"^  `(.*{shell}_source.*)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return str(line)


def completed(line: str) -> set[str]:
    """Return what the command offers to bash for the last word of `line`."""
    words = line.split(" ")
    variables = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_THREADS_ASYNC_COMPLETE": "bash_complete"}
    output = subprocess.check_output(COMMAND, env=environment(**variables), text=True, timeout=SECONDS)
    return {offer.partition(",")[2] for offer in output.splitlines()}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("threads-async lis", {"list"}),
        ("threads-async list --max", {"--max-items"}),
        ("threads-async watch --format ", {"live", "text", "jsonl"}),
        ("threads-async count --type M", {"Manual"}),
        ("threads-async count --type brow", {"BrowserInstance"}),
        ("threads-async serve --past-end e", {"empty", "error"}),
    ],
)
def test_commands_options_and_choices_are_completed(line: str, offered: set[str]) -> None:
    assert offered == completed(line)


def test_every_option_is_offered() -> None:
    assert {"--token-file", "--base-url", "--sorting", "--consistent", "--total", "--help"} <= completed(
        "threads-async list --"
    )


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed"))
        for shell in ASKING
    ],
)
def test_the_documented_line_sets_up_completion(shell: str, tmp_path: Path) -> None:
    line = line_of_the_page(shell)
    begin = "autoload -Uz compinit && compinit -u -D; " if shell == "zsh" else ""
    scripts = f"{sysconfig.get_path('scripts')}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"

    output = subprocess.check_output(
        [shell, "-c", f"{begin}{line}\n{ASKING[shell]}"],
        env=environment(PATH=scripts, HOME=str(tmp_path)),
        text=True,
        timeout=SECONDS,
    )

    assert re.search("_threads_async_completion|--max-items", output)


def test_the_line_for_powershell_is_a_command_of_powershell() -> None:
    assert [] == faults(line_of_the_page("powershell"))


@pytest.mark.skipif(version("click").split(".") < ["8", "5"], reason="click completes in PowerShell since 8.5")
def test_the_command_completes_options_in_powershell() -> None:
    words = {"COMP_WORDS": "threads-async list --max", "COMP_CWORD": "2"}
    script = subprocess.check_output(
        COMMAND, env=environment(_THREADS_ASYNC_COMPLETE="powershell_source"), text=True, timeout=SECONDS
    )
    offers = subprocess.check_output(
        COMMAND, env=environment(_THREADS_ASYNC_COMPLETE="powershell_complete", **words), text=True, timeout=SECONDS
    )

    assert "Register-ArgumentCompleter -Native -CommandName" in script
    assert ["plain", "--max-items"] == offers.splitlines()[:2]
