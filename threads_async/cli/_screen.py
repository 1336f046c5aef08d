"""A terminal screen that is redrawn repeatedly and restored at the end."""

import contextlib
from types import TracebackType
from typing import Final, Self

from rich.console import Console

from threads_async.cli._exits import CommandError
from threads_async.cli._streams import ReaderGoneError, stdout, write

# xterm's control sequences: the alternate screen, the cursor, and the wrapping of long lines.
_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_END_OF_LINE: Final = "\x1b[K"
_REST: Final = "\x1b[J"


def can_be_redrawn() -> bool:
    """Tell whether standard output is a terminal whose cursor can be moved."""
    stream = stdout()
    console = Console(file=stream)
    return stream.isatty() and not console.is_dumb_terminal and not console.legacy_windows


class Screen:
    """The screen of the terminal on standard output, taken over for a `with` block.

    rich's Live is not used, so that text that cannot be encoded or written is handled as in every other command.
    """

    def __init__(self) -> None:
        self._encoding = stdout().encoding

    def __enter__(self) -> Self:
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The terminal may be gone.
        with contextlib.suppress(CommandError, ReaderGoneError):
            self._write(_LEAVE)

    @property
    def size(self) -> tuple[int, int]:
        """The current number of columns and lines of the terminal."""
        return Console(file=stdout()).size

    def show(self, lines: list[str]) -> None:
        """Replace the content of the screen with `lines`.

        Raises:
            ReaderGoneError: The terminal is gone.
            CommandError: The lines could not be written.
        """
        self._write(_HOME + f"{_END_OF_LINE}\r\n".join(lines) + _END_OF_LINE + _REST)

    def _write(self, text: str) -> None:
        write(text, encoding=self._encoding)
