"""Which threads the command `stop` stops."""

import json
from datetime import datetime
from typing import Final

import click
from attrs import field, frozen

from threads_async._targets import is_usable
from threads_async.cli._streams import tell
from threads_async.cli._tally import THREADS
from threads_async.cli._tokens import text_in
from threads_async.models import ExecutionThread

_MOST_OF_A_FILE: Final = 64 * 2**20
"""Maximum number of bytes in a file of tokens."""

_IN_NO_TOKEN: Final = frozenset("\"',;#")
"""Characters of other formats, such as CSV, which would be mistaken for tokens."""


@frozen
class Selection:
    """The threads to stop.

    Attributes:
        type: Their type; None for all types.
        tokens: Their tokens; None for all threads.
        before: They were created before this time; None for any time.
    """

    type: str | None
    tokens: frozenset[str] | None = field(repr=False)
    before: datetime | None

    def has(self, thread: ExecutionThread) -> bool:
        """Return whether `thread` is to be stopped."""
        return (
            (self.type is None or thread.type == self.type)
            and (self.tokens is None or thread.thread_token in self.tokens)
            and (self.before is None or thread.created_at < self.before)
        )


def tokens_in(text: str) -> tuple[frozenset[str], int]:
    """Return the thread tokens in `text`, and the number of lines whose token is null.

    Args:
        text: One token in each line, or the lines that ``list --format jsonl`` writes.

    Raises:
        ValueError, KeyError, RecursionError: A line is neither.
    """
    tokens: set[str] = set()
    without = 0
    for line in filter(None, map(str.strip, text.splitlines())):
        token: object = json.loads(line)["threadToken"] if line.startswith("{") else line
        if token is None:
            without += 1
        elif is_usable(token) and not _IN_NO_TOKEN.intersection(str(token)):
            tokens.add(str(token))
        else:
            raise ValueError
    return frozenset(tokens), without


def read_tokens(context: click.Context, parameter: click.Parameter, name: str | None) -> frozenset[str] | None:
    """Return the thread tokens in the file called `name`."""
    if name is None:
        return None
    text = text_in(context, parameter, name, _MOST_OF_A_FILE)
    try:
        # A NUL is in no token.
        tokens, without = tokens_in("\0" if text is None else text)
    except (ValueError, KeyError, RecursionError):
        message = "each line must be a thread token, or a line that list --format jsonl writes, with a threadToken"
        raise click.BadParameter(message, context, parameter) from None
    if without:
        tell(f"threads-async: {without} {THREADS.of(without)} without a token cannot be stopped")
    return tokens
