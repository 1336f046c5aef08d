"""What crosses the wire between this program and a Dask worker. Performs no I/O."""

import pickle
import traceback
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import cloudpickle  # pyright: ignore[reportMissingTypeStubs] - it has no types
from attrs import field, frozen

from threads_async._secrets import SHOWN_FROM, Secret, excerpt
from threads_async.errors import ThreadsError

if TYPE_CHECKING:
    from collections.abc import Callable

State: TypeAlias = Literal["done", "failed", "repeated", "restarted"]
"""The end of a task: it returned a value or an error, or it was refused: it had run before, or for another process."""

_dumps: Final = cast("Callable[[object], bytes]", cloudpickle.dumps)  # pyright: ignore[reportUnknownMemberType] - it has no types
"""Pickles functions and classes of a script or notebook too, which the worker cannot import."""

_NOTE: Final = "Traceback on the worker:\n"


class CallError(ThreadsError, RuntimeError):
    """What a function raised or returned on a worker cannot be delivered.

    Either it cannot be pickled, or it contains the API token of the worker, or it is not an `Exception`, such as
    `SystemExit`. The message has the text of the original error, without secrets and cut after 200 characters.

    Attributes:
        kind: The full name of the class of what the function raised or returned. Empty if it is not known.
    """

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


@frozen
class Parcel:
    """A pickled value. Its repr does not show it, because Dask writes the arguments of some tasks into logs.

    The scheduler unpickles the parcel, but not the value, so it needs none of the user's modules.
    """

    content: bytes = field(repr=lambda content: f"<{len(content)} bytes>")

    def open(self) -> Any:
        """Return the value."""
        return pickle.loads(self.content)  # noqa: S301 - Dask itself unpickles what the cluster sends


@frozen
class Answer:
    """What a task returns.

    Attributes:
        process: The id of the process of the worker.
        state: How the task ended.
        parcel: The value or the error.
    """

    process: str
    state: State
    parcel: Parcel


def packed(value: object) -> Parcel:
    """Return `value` in a parcel. It must be picklable."""
    return Parcel(_dumps(value))


def packed_result(value: object, token: Secret) -> tuple[State, Parcel]:
    """Return the result of a function, or a `CallError` if it cannot be delivered. `token` is the API token."""
    kind = _kind_of(value)
    try:
        content = _dumps(value)
    except Exception as error:  # noqa: BLE001 - pickling runs the user's code
        text = _text_of(error, token)
        return "failed", packed(CallError(f"the result, a {kind}, cannot be pickled: {text}", kind=kind))
    if _contains(content, token):
        return "failed", packed(CallError(f"the result, a {kind}, contains the API token", kind=kind))
    return "done", Parcel(content)


def packed_error(error: BaseException, token: Secret) -> Parcel:
    """Return the error of a function, or a `CallError` if it cannot be delivered. `token` is the API token.

    Its traceback becomes a note (PEP 678), without the frame of the caller. Its cause and context are dropped: errors
    of libraries beneath may contain secrets, such as the headers of a request.
    """
    kind = _kind_of(error)
    if not isinstance(error, Exception):
        return packed(CallError(_text_of(error, token), kind=kind))
    frames = traceback.format_tb(error.__traceback__)[1:]
    error = error.with_traceback(None)
    error.__cause__ = error.__context__ = None
    try:
        if frames:
            error.add_note(_NOTE + "".join(frames).rstrip())
        content = _dumps(error)
        same = type(Parcel(content).open()) is type(error)
    except Exception:  # noqa: BLE001 - pickling runs the user's code
        return packed(CallError(_text_of(error, token), kind=kind))
    if not same or _contains(content, token):
        return packed(CallError(_text_of(error, token), kind=kind))
    return Parcel(content)


def _contains(content: bytes, token: Secret) -> bool:
    """Return whether `content` contains `token`. A token that is too short for that is in many texts by chance."""
    text = token.reveal()
    return len(text) >= SHOWN_FROM and text.encode() in content


def _kind_of(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text_of(error: BaseException, token: Secret) -> str:
    """Return the class and the text of `error`, without secrets."""
    try:
        text = excerpt(str(error), *([token] if token.reveal() else []))
    except Exception:  # noqa: BLE001 - `__str__` is the user's code
        text = None
    return f"{_kind_of(error)}: {text}" if text else _kind_of(error)
