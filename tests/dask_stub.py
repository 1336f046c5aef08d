"""A Dask client whose workers are all in this process, for what a real cluster does only by chance."""

import asyncio
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import distributed


class StubFuture:
    """The future of a task in this process."""

    def __init__(self, work: Any) -> None:
        self.task = asyncio.ensure_future(work)

    async def exception(self, *, asynchronous: bool) -> None:
        assert asynchronous
        await asyncio.wait([self.task])

    def release(self) -> None:
        self.task.cancel()


class StubClient(distributed.Client):
    """A Dask client of one event loop. Tasks of workers that are not there wait forever, as in Dask.

    Args:
        workers: The names of the workers and their numbers of slots. The address of ``a`` is ``tcp://a``.

    Attributes:
        workers: The names and slots of the workers that are there, by their addresses.
        submitted: The address, the key, and the name of the function of each task.
        before: Called with the address and the function before a task runs. It may raise an error.
        answer: Called with the answer of each task. It returns what is delivered instead.
    """

    loop: Any = None
    status: Any = "running"
    scheduler: Any = None

    def __init__(self, workers: dict[Any, int]) -> None:
        self.loop = SimpleNamespace(asyncio_loop=asyncio.get_running_loop())
        self.scheduler = self
        self.workers = {f"tcp://{name}": (name, slots) for name, slots in workers.items()}
        self._futures: list[StubFuture] = []
        self.submitted: list[tuple[str, str, str]] = []
        self.before: Callable[[str, Any], object] = lambda _, __: None
        self.answer: Callable[[Any], Any] = lambda answer: answer

    def __del__(self) -> None:
        """Do not close what was never opened."""

    async def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {
            "workers": {address: {"name": name, "nthreads": slots} for address, (name, slots) in self.workers.items()}
        }

    async def ncores(self) -> dict[str, int]:  # type: ignore[override]  # only what is used
        return {address: slots for address, (_, slots) in self.workers.items()}

    def submit(  # type: ignore[override]  # only what is used
        self, function: Any, *arguments: Any, key: Any = None, workers: Any = None, **options: Any
    ) -> Any:
        assert {"allow_other_workers": False, "pure": False, "retries": 0} == options
        (address,) = workers
        self.submitted.append((address, key, function.__name__))
        future = StubFuture(self._run_task(address, function, arguments))
        self._futures.append(future)
        return future

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return any(not future.task.done() for future in self._futures)

    async def _run_task(self, address: str, function: Any, arguments: tuple[Any, ...]) -> Any:
        self.before(address, function)
        answer = function(*arguments) if address in self.workers else asyncio.Event().wait()
        if inspect.isawaitable(answer):
            answer = await answer
        if address not in self.workers:
            await asyncio.Event().wait()
        return self.answer(answer)

    async def gather(self, future: Any, *, asynchronous: bool) -> Any:  # type: ignore[override]  # only what is used
        assert asynchronous
        return await future.task
