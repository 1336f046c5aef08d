"""Write to standard output all of it or an error, and to standard error what can be."""

import contextlib
import errno
import os
import sys
from typing import Final, TextIO, cast

import click

from threads_async.cli._exits import NOT_WRITTEN, CommandError

# Windows has no EPIPE for a pipe whose reader is gone.
_READER_GONE: Final = {errno.EPIPE, errno.EINVAL} if sys.platform == "win32" else {errno.EPIPE}


class ReaderGoneError(Exception):
    """Nobody reads standard output any more, as after ``| head -1``. No fault."""


def stdout() -> TextIO:
    """Return standard output.

    Raises:
        CommandError: The command was started without one.
    """
    stream = cast("TextIO | None", sys.stdout)
    if stream is None:
        raise _not_written(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    return stream


def write(text: str, *, encoding: str = "utf-8") -> None:
    """Write `text` to standard output and see it off.

    Args:
        text: The text, with its line ends as they are to be.
        encoding: UTF-8 whatever the locale, for data that programs read. What an encoding lacks becomes ``?``.

    Raises:
        ReaderGoneError: The reader has closed the pipe.
        CommandError: It could not be written.
    """
    stream = stdout()
    try:
        stream.buffer.write(text.encode(encoding, "replace"))
        stream.buffer.flush()
    except OSError as error:
        _discard(stream)
        if error.errno in _READER_GONE:
            raise ReaderGoneError from None
        raise _not_written(error) from None


def tell(text: str) -> None:
    """Write `text` and a line end to standard error; where that cannot be, the exit code must do."""
    try:
        click.echo(text, err=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Let what is left in the buffer go nowhere: the interpreter tries to write it at its end, and would complain."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _not_written(error: OSError) -> CommandError:
    return CommandError(NOT_WRITTEN, f"standard output could not be written: {error.strerror or type(error).__name__}")
