"""What one check of `doctor` found, and how it is shown. Performs no I/O."""

from collections.abc import Sequence
from enum import StrEnum
from textwrap import wrap
from typing import Any, Final

import click
from attrs import evolve, frozen

from threads_async._secrets import Secret, scrub
from threads_async.cli._text import plain


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing, but no failure."""
    FAIL = "fail"
    SKIP = "skip"
    """Not checked, because of an earlier failure."""


_STYLES: Final[dict[State, dict[str, Any]]] = {
    State.OK: {"fg": "green"},
    State.NOTE: {"fg": "yellow"},
    State.FAIL: {"fg": "red", "bold": True},
    State.SKIP: {"dim": True},
}
_STATE_WIDTH: Final = 4
_CHECK_WIDTH: Final = 9
_INDENT: Final = " " * (_STATE_WIDTH + 2 + _CHECK_WIDTH + 2)
_LEAST_WIDTH: Final = 20
"""Minimum width of the text. In a narrower terminal its lines wrap at the edge."""


@frozen
class Finding:
    """What a check found.

    Attributes:
        check: The name of the check.
        state: How the check ended.
        text: What was found. It may have several lines.
        advice: What to do about it, or an empty text.
        command: A command to type, which belongs to the advice, or an empty text.
        exit_code: The exit code of the family of errors; 0 unless the check failed.
    """

    check: str
    state: State
    text: str
    advice: str = ""
    command: str = ""
    exit_code: int = 0


def without(finding: Finding, secret: Secret | None) -> Finding:
    """Return `finding` without `secret`, and without everything that looks like a token."""

    def clean(text: str) -> str:
        # Searching for a very long secret is slow, and a text that is shorter does not contain it.
        return scrub(text, *[one for one in [secret] if one is not None and len(one.reveal()) <= len(text)])

    return evolve(finding, text=clean(finding.text), advice=clean(finding.advice), command=clean(finding.command))


def text_of(finding: Finding, width: int, *, coloured: bool = False) -> str:
    """Return `finding` as lines for people.

    Args:
        finding: What was found.
        width: Maximum number of characters per line. Commands are not wrapped, so that they can be copied.
        coloured: Whether the state is coloured.
    """
    room = max(_LEAST_WIDTH, width - len(_INDENT))
    paragraphs = [*finding.text.splitlines(), finding.advice]
    lines = [
        line
        for paragraph in paragraphs
        for line in wrap(plain(paragraph), room, break_long_words=False, break_on_hyphens=False)
    ]
    if finding.command:
        lines.append(f"  {plain(finding.command)}")
    state = str(finding.state)
    shown = click.style(state, **_STYLES[finding.state]) if coloured else state
    head = f"{shown}{' ' * (_STATE_WIDTH - len(state))}  {finding.check:<{_CHECK_WIDTH}}  "
    return head + f"\n{_INDENT}".join(lines) + "\n"


def data_of(finding: Finding) -> dict[str, Any]:
    """Return `finding` as plain data for JSON."""
    return {
        "check": finding.check,
        "state": str(finding.state),
        "text": ", ".join(finding.text.splitlines()),
        "advice": finding.advice or None,
        "command": finding.command or None,
    }


def exit_code_of(findings: Sequence[Finding]) -> int:
    """Return the exit code of the first failure, or 0."""
    return next((one.exit_code for one in findings if one.state is State.FAIL), 0)


def summary_of(findings: Sequence[Finding]) -> str:
    """Return the last line: whether everything works, or what failed."""
    failures, notes = ([one.check for one in findings if one.state is state] for state in (State.FAIL, State.NOTE))
    if failures:
        noun = "check" if len(failures) == 1 else "checks"
        return f"{len(failures)} {noun} failed: {', '.join(failures)}. The exit code is {exit_code_of(findings)}."
    return f"Everything works; see the notes: {', '.join(notes)}." if notes else "Everything works."
