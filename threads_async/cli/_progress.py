"""What people see while they wait."""

import contextlib
import sys
from collections.abc import Generator
from typing import TextIO, cast


@contextlib.contextmanager
def waiting(text: str) -> Generator[None]:
    """Show `text` on standard error meanwhile, if that is a terminal, and take it away again."""
    stream = cast("TextIO | None", sys.stderr)
    if stream is None or not stream.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only people wait

    console = Console(stderr=True)
    # The usual spinner is not in every encoding.
    spinner = "line" if console.options.ascii_only else "dots"
    # A terminal without cursor movement could not take it away.
    with console.status(text, spinner=spinner) if console.is_interactive else contextlib.nullcontext():
        yield
