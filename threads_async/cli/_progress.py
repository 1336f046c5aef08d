"""What people see on a terminal while they wait."""

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TextIO, TypeAlias, cast

Show: TypeAlias = Callable[[str], bool]
"""Shows another text instead, and returns whether somebody can see it."""


def _to_nobody(_: str) -> bool:
    return False


@contextlib.contextmanager
def waiting(text: str) -> Generator[Show]:
    """Show `text` on standard error until the block ends, if standard error is a terminal."""
    stream = cast("TextIO | None", sys.stderr)
    if stream is None or not stream.isatty():
        yield _to_nobody
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.text import Text  # noqa: PLC0415 - only a terminal needs it

    console = Console(stderr=True)
    # A terminal without cursor movement could not remove the text.
    if not console.is_interactive:
        yield _to_nobody
        return
    # Not every encoding has the characters of the default spinner.
    spinner = "line" if console.options.ascii_only else "dots"
    with console.status(Text(text), spinner=spinner) as status:

        def show(text: str) -> bool:
            status.update(Text(text))
            return True

        yield show
