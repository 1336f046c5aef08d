"""A farm for the tests of Dask: five machines, each a process with a worker, its own settings and its own server."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Generator
from functools import partial
from typing import Any

import dask.config
import distributed
from attrs import frozen

from threads_async import ExecutionThread, ThreadsClient
from threads_async.testing import FakeServer, SeenRequest

THREADS = 10_000
"""The number of threads on each machine."""

MACHINES = tuple(f"office-{number}" for number in range(1, 6))

KILL = 9
"""The number of SIGKILL. On Windows, every number ends a process at once."""

SAME_PORT = "office-5"
"""This machine has the same address after a restart, so that Dask repeats its tasks there."""


def canary_of(machine: str) -> str:
    """Return the API token of a machine."""
    return f"canary-{machine}-0123456789abcdef0123456789abcdef"


@frozen
class Farm:
    """The farm.

    Attributes:
        cluster: The Dask cluster. Its scheduler is in this process.
        servers: The server of each machine, in threads of this process.
        client: A synchronous client of the cluster.
    """

    cluster: Any
    servers: dict[str, FakeServer]
    client: Any

    def expected(self, *machines: str, start: int = 0) -> set[tuple[str, str | None]]:
        """Return what a listing finds on `machines`, each thread as its machine and token."""
        return {(name, thread.thread_token) for name in machines for thread in self.servers[name].threads[start:]}

    @property
    def names(self) -> dict[str, str]:
        """The names of the workers that are there now, by their addresses."""
        return {address: state.name for address, state in self.cluster.scheduler.workers.items()}

    async def complete(self) -> None:
        """Wait until all workers are there. Their nannies restart them."""
        while set(self.names.values()) != set(MACHINES):
            await asyncio.sleep(0.05)

    def quiet(self) -> None:
        """Forget what the servers have seen and what they should do."""
        for server in self.servers.values():
            server.requests.clear()
            server.on_request = None
            server.fault_for = None


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@contextlib.contextmanager
def farm_of_processes() -> Generator[Farm]:
    """Start the farm, and end it."""
    with contextlib.ExitStack() as stack:
        # Otherwise the cluster closes a nanny whose worker is missing 15 s after an earlier loss: at a second loss.
        stack.enter_context(dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}))
        servers = {
            name: stack.enter_context(FakeServer(THREADS, token=canary_of(name), seed=number))
            for number, name in enumerate(MACHINES)
        }
        workers = {
            name: {
                "cls": distributed.Nanny,
                "options": {
                    "nthreads": 4,
                    "host": "127.0.0.1",
                    "dashboard": False,
                    "env": {"ZB_API_TOKEN": server.token, "ZB_API_BASE_URL": server.url},
                    **({"worker_port": _free_port()} if name == SAME_PORT else {}),
                },
            }
            for name, server in servers.items()
        }
        scheduler = {"cls": distributed.Scheduler, "options": {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}}
        cluster = stack.enter_context(distributed.SpecCluster(workers, scheduler))
        client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        yield Farm(cluster, servers, client)


def ask_about(thread: ExecutionThread) -> bool:
    """Ask the server of this machine about `thread`, so that its requests show for which threads this was called."""
    return asyncio.run(ask_about_async(thread))


async def ask_about_async(thread: ExecutionThread) -> bool:
    """Do the same in the event loop of the worker."""
    async with ThreadsClient() as client:
        return await client.threads(thread_token=thread.thread_token).count() == 1


def asked_about(request: SeenRequest) -> str | None:
    """Return the token of the thread about which `request` asked."""
    return request.parameters.get("thread_token")


def ask_and_kill(chosen: str | None, thread: ExecutionThread) -> bool:
    """Ask about `thread`, and kill this process if it is `chosen`."""
    asked = ask_about(thread)
    if thread.thread_token == chosen:
        os.kill(os.getpid(), KILL)
    return asked


def killing(chosen: str | None) -> "partial[bool]":
    """Return `ask_and_kill` for one thread."""
    return partial(ask_and_kill, chosen)


def mixed(thread: ExecutionThread) -> str:
    """Fail for some threads, sleep for others, and return which is which."""
    import time

    kind = kind_of(thread)
    if kind == "fails":
        raise LookupError(kind)
    if kind == "sleeps":
        time.sleep(0.02)
    return kind


async def mixed_async(thread: ExecutionThread) -> str:
    """Do the same with ``async def``."""
    kind = kind_of(thread)
    if kind == "fails":
        raise LookupError(kind)
    if kind == "sleeps":
        await asyncio.sleep(0.02)
    return kind


def kind_of(thread: ExecutionThread) -> str:
    """Return what `mixed` does for `thread`."""
    return ("returns", "fails", "sleeps")[sum(map(ord, thread.thread_token or "")) % 3]


def leak(thread: ExecutionThread) -> str:
    """Return the API token for one half of the threads, and raise it for the other."""
    token = os.environ["ZB_API_TOKEN"]
    if sum(map(ord, thread.thread_token or "")) % 2:
        raise LookupError(token)
    return token
