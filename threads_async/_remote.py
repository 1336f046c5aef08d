"""A source of pages on a Dask worker, and calls of a function there. No HTTP here."""

import uuid
from collections.abc import Callable
from typing import Any

from attrs import frozen

from threads_async import _on_worker
from threads_async._answers import Answer, CallError, Parcel, packed
from threads_async._cluster import Cluster
from threads_async._endpoints import Endpoint
from threads_async._fleet_error import WorkerError
from threads_async._lookout import Worker
from threads_async._paging import Slice
from threads_async._secrets import excerpt
from threads_async._source import Source
from threads_async.errors import ConfigurationError, ThreadsError
from threads_async.models import ExecutionThread, Page, T
from threads_async.queries import Query


@frozen
class Function:
    """A function of the user, ready to be sent to workers.

    Attributes:
        task: The function of `_on_worker` that calls it.
        parcel: The function.
    """

    task: Callable[..., Any]
    parcel: Parcel


def function_of(function: Callable[[ExecutionThread], Any]) -> Function | ConfigurationError:
    """Return `function`, ready to be sent, or the error if it cannot be sent.

    The error is returned, not raised: the frames of the pickler have the variables of the function.
    """
    if not callable(function):
        return ConfigurationError("function must be callable", parameter="function")
    try:
        parcel = packed(function)
    except Exception as error:  # noqa: BLE001 - pickling runs the user's code
        why = f"function cannot be pickled: {_text_of(error)}"
        return ConfigurationError(why, parameter="function")
    return Function(_on_worker.call_async if _on_worker.is_async(function) else _on_worker.call, parcel)


@frozen
class Answered:
    """What is known of a call after its end.

    Attributes:
        result: What the function returned.
        error: Why there is no result.
        lost: Why the worker cannot be called again, if so.
    """

    result: object = None
    error: Exception | None = None
    lost: ThreadsError | None = None


class RemoteSource(Source):
    """Fetches pages on a worker, with the settings in its environment.

    Args:
        cluster: The cluster.
        worker: The worker. If it is lost, the next page is fetched on the worker that then has its name.
    """

    def __init__(self, cluster: Cluster, worker: Worker) -> None:
        super().__init__()
        self._cluster = cluster
        self._worker = worker
        self._lost = False
        # The process that has fetched the latest page. Calls are meant for it.
        self._process = ""

    @property
    def name(self) -> str:
        """The name of the worker."""
        return self._worker.name

    @property
    def closed(self) -> bool:
        """Whether the client of the cluster is closed."""
        return self._cluster.closed

    async def fetch(self, endpoint: Endpoint[T], query: Query[T], asked: Slice | None = None) -> Page[T]:
        """Return one page, as `Source.fetch` describes it.

        Raises:
            WorkerError: The worker was lost, or is not there.
        """
        del endpoint
        if self._lost:
            self._worker = await self._cluster.worker(self._worker.name)
        try:
            answer = await self._cluster.run(self._worker, "page", _on_worker.fetch, packed((query, asked)))
        except WorkerError:
            self._lost = True
            raise
        self._lost = False
        self._process = answer.process
        value = _opened(answer, self._worker.name)
        if not isinstance(value, Exception):
            page: Page[T] = value
            return page
        try:
            raise value
        finally:
            # The traceback of the error refers to this frame.
            del value

    async def call(self, function: Function, thread: ExecutionThread) -> Answered:
        """Call `function` for `thread` on the worker, at most once."""
        name = self._worker.name
        parcel = packed((function.parcel, thread))
        key = uuid.uuid4().hex
        try:
            answer = await self._cluster.run(self._worker, "call", function.task, key, self._process, parcel)
        except ThreadsError as error:
            return Answered(None, _unknown(name, error.message), error.with_traceback(None))
        if answer.state == "restarted":
            why = f"worker {name} was restarted"
            return Answered(None, _unknown(name, why), WorkerError(why, worker=name))
        if answer.state == "repeated":
            return Answered(None, _unknown(name, f"Dask lost the answer of worker {name}"))
        try:
            value = answer.parcel.open()
        except Exception as error:  # noqa: BLE001 - unpickling runs the user's code
            return Answered(None, CallError(f"the result cannot be unpickled: {_text_of(error)}"))
        return Answered(None, value) if answer.state == "failed" else Answered(value)


def _opened(answer: Answer, worker: str) -> Any:
    """Return the page or the error in `answer`."""
    try:
        return answer.parcel.open()
    except Exception as error:  # noqa: BLE001 - whatever unpickling a class of another version raises
        why = _text_of(error)
    raise WorkerError(f"worker {worker} has another version of threads-async: {why}", worker=worker)


def _unknown(worker: str, why: str) -> WorkerError:
    return WorkerError(
        f"{why}: it is unknown whether the function has run for this thread", worker=worker, unknown=True
    )


def _text_of(error: Exception) -> str:
    text = excerpt(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
