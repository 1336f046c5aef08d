"""Write to standard output completely or raise an error; write to standard error if possible."""

import contextlib
import errno
import os
import sys
from typing import Final, TextIO, cast

import click

from threads_async.cli._exits import NOT_WRITTEN, CommandError

# Windows reports EINVAL when the reader of a pipe is gone.
_READER_GONE: Final = {errno.EPIPE, errno.EINVAL} if sys.platform == "win32" else {errno.EPIPE}


class ReaderGoneError(Exception):
    """The reader of standard output is gone, as with ``| head -1``. This is not a failure."""


def stdout() -> TextIO:
    """Return standard output.

    Raises:
        CommandError: The process was started without standard output.
    """
    stream = cast("TextIO | None", sys.stdout)
    if stream is None:
        raise _not_written(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    return stream


def write(text: str, *, encoding: str = "utf-8") -> None:
    """Write `text` to standard output and flush it.

    Args:
        text: The text, written with its line ends unchanged.
        encoding: The encoding; by default UTF-8 in every locale, for data that programs read. Characters that the
            encoding lacks become ``?``.

    Raises:
        ReaderGoneError: The reader has closed the pipe.
        CommandError: The text could not be written.
    """
    stream = stdout()
    try:
        # An empty text is written too, which shows early that nothing can be written.
        left = memoryview(text.encode(encoding, "replace"))
        left = left[stream.buffer.write(left) :]
        while left:
            # In an event loop, Ctrl-C raises nothing at first, but ends the call after a part of the text.
            left = left[stream.buffer.write(left) :]
        stream.buffer.flush()
    except OSError as error:
        _discard(stream)
        if error.errno in _READER_GONE:
            raise ReaderGoneError from None
        raise _not_written(error) from None


def tell(text: str) -> None:
    """Write `text` and a line end to standard error. If that fails, the exit code has to suffice."""
    try:
        click.echo(text, err=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Discard the buffered rest. Otherwise the interpreter tries to write it at exit, and reports the failure."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _not_written(error: OSError) -> CommandError:
    return CommandError(NOT_WRITTEN, f"could not write to standard output: {error.strerror or type(error).__name__}")
