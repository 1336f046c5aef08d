"""The threads that an action is about, and how they are divided among requests. Performs no I/O."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, cast

from attrs import evolve, frozen

from threads_async._checks import check_int64
from threads_async._secrets import Secret
from threads_async.errors import ConfigurationError
from threads_async.models import ExecutionThread, T

MOST_AT_ONCE: Final = 100
"""Maximum number of threads in one request. The API documents no maximum; 100 tokens take about 70 kB."""

_OTHER_PATHS: Final = frozenset({".", "..", "delete_bulk"})
"""Texts that would change the path of a request if they were used as a thread token in it."""


@frozen
class Target:
    """A thread to continue or to stop.

    Attributes:
        token: Its token.
        workspace_id: Its workspace.
        thread: What is known of it, or None if only the token is.
        renewable: Whether the server may have given it another token that nobody knows. A listed thread that was
            created at the same time may then be this one.
    """

    token: Secret
    workspace_id: int
    thread: ExecutionThread | None = None
    renewable: bool = False

    def updated(self, found: ExecutionThread | None) -> "Target":
        """Return the target after the server has returned `found` for it."""
        if found is None:
            return self
        # ZennoBrowser returned null in fields that its documents do not call nullable.
        token = str(found.thread_token) if is_usable(found.thread_token) else self.token.reveal()
        return Target(Secret(token), found.workspace_id, evolve(found, thread_token=token), self.renewable)

    def may_be(self, listed: ExecutionThread) -> bool:
        """Return whether the thread may be `listed`, which a listing of its workspace contains."""
        if listed.thread_token == self.token.reveal():
            return True
        if self.renewable and self.thread is not None:
            return listed.created_at == self.thread.created_at
        # The listing was filtered by the token.
        return listed.thread_token is None


def is_usable(token: object) -> bool:
    """Return whether `token` is a text that can be in the path of a request."""
    return (
        isinstance(token, str)
        and token.isascii()
        and token.isprintable()
        and " " not in token
        and token != ""
        and token.lower() not in _OTHER_PATHS
    )


def target_of(thread: object, workspace_id: int | None) -> Target | ConfigurationError:
    """Return the target that the caller means by `thread`.

    If the thread has no token, or something else is wrong, return an error. It is not raised here, because the frames
    of its traceback would have the token as a local variable.

    Args:
        thread: A thread, or the token of one.
        workspace_id: Its workspace. By default that of the thread, or -1 for a token.
    """
    known = thread if isinstance(thread, ExecutionThread) else None
    token = thread if known is None else known.thread_token
    if workspace_id is None:
        workspace_id = -1 if known is None else known.workspace_id
    try:
        check_int64("workspace_id", workspace_id)
    except ConfigurationError as error:
        return error.with_traceback(None)
    if known is not None and not token:
        return _wrong("the thread has no token, so it can be neither continued nor stopped")
    if not isinstance(token, str):
        return _wrong("thread must be an ExecutionThread or a thread token")
    if not is_usable(token):
        return _wrong("the text cannot be a thread token")
    return Target(Secret(token), workspace_id, known)


def targets_of(threads: object, workspace_id: int | None) -> tuple[Target, ...] | ConfigurationError:
    """Return the targets that the caller means by `threads`, in order, or an error, as `target_of` does."""
    if isinstance(threads, str | bytes) or not isinstance(threads, Iterable):
        return ConfigurationError("threads must be a collection of threads or thread tokens", parameter="threads")
    # If an error comes out of the caller's iterator, no frame has a token as a local variable.
    several = tuple(cast("Iterable[object]", threads))
    targets: list[Target] = []
    for thread in several:
        target = target_of(thread, workspace_id)
        if isinstance(target, ConfigurationError):
            return target
        targets.append(target)
    return tuple(targets)


def checked(found: T | ConfigurationError) -> T:
    """Return `found`, or raise it if it is an error."""
    if isinstance(found, ConfigurationError):
        raise found
    return found


def unique(targets: Iterable[Target]) -> list[Target]:
    """Return each of `targets` once, in order."""
    return list({key_of(target): target for target in targets}.values())


def key_of(target: Target) -> tuple[int, str]:
    """Return what distinguishes `target` from others. It contains the token."""
    return target.workspace_id, target.token.reveal()


def matched(targets: Sequence[Target], found: Sequence[ExecutionThread]) -> list[ExecutionThread | None]:
    """Return for each of `targets` the one in `found` that the server returned for it, or None if that is not known.

    The API documents neither a body nor an order. The tokens tell the threads apart. A thread with a new token is told
    apart if it is the only one, or by the order if all tokens are new.
    """
    by_token = {thread.thread_token: thread for thread in found}
    left = [target for target in targets if target.token.reveal() not in by_token]
    tokens = {target.token.reveal() for target in targets}
    others = [thread for thread in found if thread.thread_token not in tokens]
    if len(left) == len(others) and len(left) in (1, len(targets)):
        by_token |= {target.token.reveal(): thread for target, thread in zip(left, others, strict=True)}
    return [by_token.get(target.token.reveal()) for target in targets]


def chunks_of(targets: Iterable[Target]) -> Iterator[Sequence[Target]]:
    """Yield `targets` in order, as they are sent: at most `MOST_AT_ONCE` in one request, all of one workspace."""
    for _, group in groupby(targets, key=attrgetter("workspace_id")):
        several = tuple(group)
        for start in range(0, len(several), MOST_AT_ONCE):
            yield several[start : start + MOST_AT_ONCE]


def counts_of(count: int) -> Iterator[int]:
    """Yield the numbers of threads to start with each request, `count` in total."""
    for start in range(0, count, MOST_AT_ONCE):
        yield min(MOST_AT_ONCE, count - start)


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, parameter="thread")
