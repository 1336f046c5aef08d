"""The conditions that the command `wait` waits for. Performs no I/O."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import frozen

from threads_async._secrets import Secret
from threads_async.models import ExecutionThread

if TYPE_CHECKING:
    _ParamType = click.ParamType["Condition"]
else:
    # It is generic since click 8.4.
    _ParamType = click.ParamType

_COMPARISONS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
}
_COUNT: Final = re.compile(r"count\s*(<=|>=|<|>|==?)\s*([0-9]{1,18})")
GONE: Final = "gone"


@frozen
class Condition:
    """A condition on the number of threads, or that one thread is gone.

    Attributes:
        text: The condition as the user wrote it.
        met_by: Returns whether a number of threads meets it.
    """

    text: str
    met_by: Callable[[int], bool]


class ConditionType(_ParamType):
    """The type of the option --until."""

    name = "condition"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Condition:
        """Return `value` as a condition."""
        text = str(value).strip().lower()
        if text in ("none", GONE):
            return Condition(text, lambda count: count == 0)
        found = _COUNT.fullmatch(text)
        if found is None:
            text = "none, gone, or a condition such as 'count<5' (also <=, >, >= or =, in quotes) is expected"
            self.fail(text, param, ctx)
        compare, number = _COMPARISONS[found[1]], int(found[2])
        return Condition(text, lambda count: compare(count, number))


class Follower:
    """Finds one thread in lists of threads, even if its token changes.

    Args:
        token: The token of the thread.

    Attributes:
        known: The thread as it was last seen, or None if it has never been seen.
    """

    def __init__(self, token: Secret) -> None:
        self._tokens = {token.reveal()}
        self._others = set[str]()
        self.known: ExecutionThread | None = None

    def find(self, threads: tuple[ExecutionThread, ...]) -> tuple[ExecutionThread, ...]:
        """Return every thread that is, or may be, the one followed.

        A thread with another token may be it if it has the same workspace, type and creation time, and was not listed
        together with it.
        """
        found = tuple(thread for thread in threads if thread.thread_token in self._tokens)
        found = found or tuple(filter(self._may_be, threads))
        if found:
            self.known = found[0]
        tokens = {thread.thread_token: thread in found for thread in threads if thread.thread_token is not None}
        self._tokens |= {token for token, is_it in tokens.items() if is_it}
        self._others |= tokens.keys() - self._tokens
        return found

    def _may_be(self, thread: ExecutionThread) -> bool:
        known = self.known
        return (
            known is not None
            and thread.thread_token not in self._others
            and (thread.workspace_id, thread.type, thread.created_at)
            == (known.workspace_id, known.type, known.created_at)
        )
