"""The command itself: start, help and version."""

import importlib
import subprocess
import sys

import pytest
from cli_support import COMMAND, SECONDS

import threads_async
from threads_async import cli

Capture = pytest.CaptureFixture[bytes]


def test_the_option_version_prints_the_version_of_the_package(capsysbinary: Capture) -> None:
    assert 0 == cli.main(["--version"])

    assert f"threads-async {threads_async.__version__}\n" == capsysbinary.readouterr().out.decode()


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_is_on_standard_output(arguments: list[str], capsysbinary: Capture) -> None:
    assert 0 == cli.main(arguments)

    output = capsysbinary.readouterr()
    assert output.out.startswith(b"Usage: threads-async ")
    assert b"" == output.err


@pytest.mark.parametrize(
    "command", [[], ["list"], ["count"], ["watch"], ["workspaces"], ["browsers"], ["serve"], ["doctor"]]
)
@pytest.mark.parametrize("columns", [80, 200])
def test_no_line_of_help_is_wider_than_the_terminal(
    command: list[str], columns: int, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    cli.main([*command, "--help"])

    assert max(map(len, capsysbinary.readouterr().out.decode().splitlines())) <= columns


def test_python_m_is_the_same_command() -> None:
    output = subprocess.check_output([*COMMAND, "--version"], timeout=SECONDS, text=True)

    assert f"threads-async {threads_async.__version__}\n" == output


def test_importing_the_main_module_runs_nothing() -> None:
    assert cli.main is importlib.import_module("threads_async.__main__").main


def test_arguments_default_to_those_of_the_process(monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture) -> None:
    monkeypatch.setattr(sys, "argv", ["threads-async", "count", "--demo", "--demo-threads", "3"])

    assert 0 == cli.main()

    assert b"3\n" == capsysbinary.readouterr().out


def test_without_the_extra_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _: None)

    assert 2 == cli.main(["list"])

    assert (
        b'threads-async: the command needs click and rich; run: pip install "threads-async[cli]"\n'
        == capsysbinary.readouterr().err
    )


def test_import_and_help_load_no_module_that_they_do_not_need() -> None:
    code = (
        "import sys\n"
        "from threads_async.cli import main\n"
        "early = 'click' in sys.modules\n"
        "main(['--help'])\n"
        "print(early, [name for name in ('rich', 'threads_async.testing') if name in sys.modules])"
    )

    output = subprocess.check_output([sys.executable, "-c", code], timeout=SECONDS, text=True)

    assert "False []" == output.splitlines()[-1]
