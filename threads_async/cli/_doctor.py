"""The command `doctor`."""

import json
import os
from typing import Final, Literal

import click

from threads_async.cli._client import Connection
from threads_async.cli._connection_options import Usual, connection_options
from threads_async.cli._diagnosis import Machine
from threads_async.cli._examination import Examination, Subject
from threads_async.cli._finding import Finding, data_of, exit_code_of, summary_of, text_of
from threads_async.cli._options import help_option
from threads_async.cli._pasted import shell_of
from threads_async.cli._reach import Network
from threads_async.cli._streams import stdout, write
from threads_async.cli._tokens import TokenFile
from threads_async.cli._walk import run_to_end

Format = Literal["text", "json"]

_WIDTH: Final = 79
"""Maximum width of a line where standard output is not a terminal, in characters."""
_MOST_WIDTH: Final = 100
"""Maximum width of a line on a wide terminal, in characters: longer ones are hard to read."""

_HELP: Final = """Find out why nothing works, and what to do about it.

Checks: base URL, API token, host, port, API, access, threads, limits. The line
of each check begins with one of these:

\b
ok     It works.
note   Worth knowing, but no failure.
fail   What is wrong, and what to do about it.
skip   Not checked, because of an earlier failure.

Without an API token, one request is sent nevertheless, to see whether only the
token is missing. The exit code is then 2, although something was sent.

No token is shown. The exit code is 0 if no check failed. Otherwise it is the
code with which another command would report the first failure.
"""


class _Report:
    """Writes findings as text, each as soon as it is known, or collects them.

    Args:
        written: Whether they are written.
    """

    def __init__(self, *, written: bool) -> None:
        self.findings: list[Finding] = []
        self._written = written

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        if self._written:
            from rich.console import Console  # noqa: PLC0415 - only text needs it

            stream = stdout()
            terminal = Console(file=stream)
            # An old Windows console shows escape sequences instead of colours.
            coloured = terminal.is_terminal and not (
                terminal.no_color or terminal.is_dumb_terminal or terminal.legacy_windows
            )
            # Some terminals start a new line as soon as the last cell is filled.
            width = min(terminal.width - 1, _MOST_WIDTH) if stream.isatty() else _WIDTH
            write(text_of(finding, width, coloured=coloured), encoding=stream.encoding)

    def end(self) -> int:
        """Write the summary or the JSON object, and return the exit code."""
        code = exit_code_of(self.findings)
        if self._written:
            write(f"\n{summary_of(self.findings)}\n", encoding=stdout().encoding)
        else:
            checks = [data_of(finding) for finding in self.findings]
            write(f"{json.dumps({'ok': not code, 'exitCode': code, 'checks': checks}, indent=2)}\n")
        return code


async def _doctor(subject: Subject, wanted: Format) -> None:
    report = _Report(written=wanted == "text")
    await Examination(subject, report.add, Network()).run()
    code = report.end()
    if code:
        raise click.exceptions.Exit(code)


@click.command("doctor", help=_HELP, add_help_option=False)
@click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Lines for people, or one JSON object for programs. Default: text.",
)
@connection_options(Usual(attempts=1, lenient=True))
@help_option
def doctor(
    *,
    connection: Connection,
    token_file: TokenFile | click.BadParameter | None,
    format: Format,  # noqa: A002 - the name of the option
) -> None:
    """Find out why nothing works, and what to do about it."""
    machine = Machine(shell_of(os.name, os.environ), os.name)
    run_to_end(_doctor(Subject(connection, token_file, os.environ, machine), format))
