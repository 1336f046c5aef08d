"""Ages of threads on the command line, such as ``90m`` or ``1h30m``."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    _ParamType = click.ParamType[timedelta]
else:
    # It is generic since click 8.4.
    _ParamType = click.ParamType

_Command = TypeVar("_Command", bound=Callable[..., Any])

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PART: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])")
_AGE: Final = re.compile(rf"(?:{_PART.pattern})+")


class _Age(_ParamType):
    """A length of time with units."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return `value` as a length of time."""
        text = str(value).strip().lower()
        if _AGE.fullmatch(text) is None:
            self.fail("a number with a unit is expected, such as 45s, 90m, 2h or 1d", param, ctx)
        try:
            parts = [timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _PART.findall(text)]
            return sum(parts, timedelta())
        except OverflowError:
            self.fail("it is too long", param, ctx)


def created_before(age: timedelta | None) -> datetime | None:
    """Return the time before which threads older than `age` were created, or None if there is no age."""
    if age is None:
        return None
    try:
        return datetime.now(UTC) - age
    except OverflowError:
        # Before the year 1.
        return datetime.min.replace(tzinfo=UTC)


def older_than_option(verb: str) -> Callable[[_Command], _Command]:
    """Return the option ``--older-than``; its help starts with `verb`, such as "List"."""
    return click.option(
        "--older-than",
        metavar="AGE",
        type=_Age(),
        help=f"{verb} only threads that were created longer ago than AGE, by the clock of this computer. AGE is a "
        "number with a unit, such as 45s, 90m, 2h or 1d.",
    )
