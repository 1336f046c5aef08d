"""The client that the options of a command describe."""

import contextlib
from collections.abc import AsyncGenerator

from attrs import frozen

from threads_async._secrets import Secret
from threads_async.client import ThreadsClient
from threads_async.retry import RetryPolicy


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
    """

    base_url: str | None
    token: Secret | None
    timeout: float
    attempts: int
    demo: int | None
    churn: float


@contextlib.asynccontextmanager
async def client_of(connection: Connection) -> AsyncGenerator[ThreadsClient]:
    """Open the client that `connection` describes, and its `FakeServer` if it has one."""
    base_url, token = connection.base_url, connection.token
    async with contextlib.AsyncExitStack() as stack:
        if connection.demo is not None:
            from threads_async.testing import FakeServer  # noqa: PLC0415 - a demo is rare, its server slow to import

            server = await stack.enter_async_context(FakeServer(threads=connection.demo))
            if connection.churn:
                await stack.enter_async_context(server.churn(connection.churn))
            base_url, token = server.url, Secret(server.token)
        yield await stack.enter_async_context(
            ThreadsClient(
                None if token is None else token.reveal(),
                base_url=base_url,
                timeout=connection.timeout,
                # With a long timeout, the default deadline could be too short for all attempts.
                retry=RetryPolicy(
                    attempts=connection.attempts, deadline=max(60.0, connection.timeout * connection.attempts)
                ),
            )
        )
