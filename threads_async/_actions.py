"""The requests of the API that change something: start, continue and stop threads. Performs no I/O.

Documented on the pages of the folder "thread-management" of the API's documentation.
"""

from typing import Any, Final, Generic, Literal

from attrs import frozen

from threads_async.models import ExecutionThread, T


@frozen
class Action(Generic[T]):
    """A request that changes something.

    Attributes:
        method: The HTTP method.
        path: The path below the base URL.
        value: The type of the value in the response.
        effect: What may have happened if there is no valid response. It may contain ``{since}``, the time of the call.
        takes: What it takes besides the workspace: nothing secret, the token of a thread, which is then added to the
            path, or the tokens of several threads, which are then the body.
        repeatable: Whether sending it again does no harm, because it then changes nothing more.
    """

    method: str
    path: str
    value: Any
    effect: str
    takes: Literal["nothing", "a token", "tokens"] = "nothing"
    repeatable: bool = True


WORKSPACE: Final = "workspaceId"
COUNT: Final = "count"
"""The names of the parameters on the wire."""

_THREADS: Any = tuple[ExecutionThread, ...]

START: Final = Action[ExecutionThread](
    "POST",
    "/v1/threads/create",
    ExecutionThread,
    "the server may have started the thread: look for one created since {since}",
    repeatable=False,
)
START_SEVERAL: Final = Action[tuple[ExecutionThread, ...]](
    "POST",
    "/v1/threads/create_bulk",
    _THREADS,
    "the server may have started threads: look for those created since {since}",
    repeatable=False,
)
CONTINUE: Final = Action[ExecutionThread](
    "PUT", "/v1/threads/use", ExecutionThread, "the server may have continued the thread", takes="a token"
)
CONTINUE_SEVERAL: Final = Action[tuple[ExecutionThread, ...]](
    "PUT", "/v1/threads/use_bulk", _THREADS, "the server may have continued threads", takes="tokens"
)
STOP: Final = Action[ExecutionThread](
    "DELETE", "/v1/threads", ExecutionThread, "the server may have stopped the thread", takes="a token"
)
STOP_SEVERAL: Final = Action[tuple[ExecutionThread, ...]](
    "DELETE", "/v1/threads/delete_bulk", _THREADS, "the server may have stopped threads", takes="tokens"
)

ACTIONS: Final = (START, START_SEVERAL, CONTINUE, CONTINUE_SEVERAL, STOP, STOP_SEVERAL)
