"""What people see on a terminal while they wait."""

import contextlib
import sys
from collections.abc import Generator
from typing import TextIO, cast


@contextlib.contextmanager
def waiting(text: str) -> Generator[None]:
    """Show `text` on standard error until the block ends, if standard error is a terminal."""
    stream = cast("TextIO | None", sys.stderr)
    if stream is None or not stream.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    console = Console(stderr=True)
    # Not every encoding has the characters of the default spinner.
    spinner = "line" if console.options.ascii_only else "dots"
    # A terminal without cursor movement could not remove the text.
    with console.status(text, spinner=spinner) if console.is_interactive else contextlib.nullcontext():
        yield
