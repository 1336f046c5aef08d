"""The client that the options of a command describe."""

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from attrs import frozen

from threads_async._base_client import ClientOptions
from threads_async._secrets import Secret
from threads_async.client import ThreadsClient
from threads_async.fleet import Fleet
from threads_async.retry import RetryPolicy

if TYPE_CHECKING:
    from threads_async.testing import FakeServer


@frozen
class Connection:
    """The server to send requests to, and how to send them.

    Attributes:
        base_url: The base URL of the API; None to use the environment or else the default.
        token: The API token; None to use the environment.
        timeout: Maximum time for one attempt, in seconds.
        attempts: Maximum number of attempts per request.
        demo: Number of threads on the `FakeServer` that replaces ZennoBrowser; None to use ZennoBrowser.
        churn: Number of threads that start or stop per second on that `FakeServer`.
        fleet: The path of the file of a fleet to use instead.
        demo_machines: Number of `FakeServer` instances that replace a fleet, of which the last one does not respond.
    """

    base_url: str | None
    token: Secret | None
    timeout: float
    attempts: int
    demo: int | None
    churn: float
    fleet: str | None = None
    demo_machines: int | None = None

    @property
    def many(self) -> bool:
        """Whether it is for a fleet."""
        return self.fleet is not None or self.demo_machines is not None

    def options(self) -> ClientOptions:
        """Return how to send requests, as keyword arguments of the client."""
        # With a long timeout, the default deadline could be too short for all attempts.
        deadline = max(60.0, self.timeout * self.attempts)
        return {"timeout": self.timeout, "retry": RetryPolicy(attempts=self.attempts, deadline=deadline)}


@contextlib.asynccontextmanager
async def client_of(connection: Connection) -> AsyncGenerator[ThreadsClient]:
    """Open the client that `connection` describes, and its `FakeServer` if it has one."""
    base_url, token = connection.base_url, connection.token
    async with contextlib.AsyncExitStack() as stack:
        if connection.demo is not None:
            server = await stack.enter_async_context(_demo(connection))
            base_url, token = server.url, Secret(server.token)
        key = None if token is None else token.reveal()
        yield await stack.enter_async_context(ThreadsClient(key, base_url=base_url, **connection.options()))


@contextlib.asynccontextmanager
async def fleet_of(connection: Connection) -> AsyncGenerator[Fleet]:
    """Open the fleet that `connection` describes, and its servers if it is a demo.

    A connection for one server is a fleet of one machine without a file.
    """
    if connection.fleet is not None:
        async with Fleet.from_file(connection.fleet, **connection.options()) as fleet:
            yield fleet
        return
    async with contextlib.AsyncExitStack() as stack:
        clients: dict[str, ThreadsClient] = {}
        if connection.demo_machines is None:
            clients["server"] = await stack.enter_async_context(client_of(connection))
        for number in range(1, (connection.demo_machines or 0) + 1):
            server = await stack.enter_async_context(_demo(connection, seed=number))
            if number == connection.demo_machines:
                await server.stop()
            options = connection.options()
            clients[f"machine-{number}"] = ThreadsClient(server.token, base_url=server.url, **options)
        yield await stack.enter_async_context(Fleet(clients))


@contextlib.asynccontextmanager
async def _demo(connection: Connection, seed: int = 0) -> "AsyncGenerator[FakeServer]":
    """Run a `FakeServer` as `connection` describes it."""
    from threads_async.testing import FakeServer  # noqa: PLC0415 - a demo is rare, its server slow to import

    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(FakeServer(threads=connection.demo or 0, seed=seed))
        if connection.churn:
            await stack.enter_async_context(server.churn(connection.churn, seed=seed))
        yield server
