"""A client as the options of the command ask for it."""

import contextlib
from collections.abc import AsyncGenerator

from attrs import frozen

from threads_async._secrets import Secret
from threads_async.client import ThreadsClient
from threads_async.retry import RetryPolicy


@frozen
class Connection:
    """Where to ask, as whom, and how patiently.

    Attributes:
        base_url: Where the API answers; None for that of the environment, else the default.
        token: The API token; None for that of the environment.
        timeout: Most seconds for one attempt.
        attempts: Most times that one request is sent.
        demo: How many threads a server of our own has that is asked instead; None to ask the real one.
        churn: How many threads start or stop a second on that server.
    """

    base_url: str | None
    token: Secret | None
    timeout: float
    attempts: int
    demo: int | None
    churn: float


@contextlib.asynccontextmanager
async def client_of(connection: Connection) -> AsyncGenerator[ThreadsClient]:
    """Open the client that `connection` describes, with its demo server if it has one."""
    base_url, token = connection.base_url, connection.token
    async with contextlib.AsyncExitStack() as stack:
        if connection.demo is not None:
            from threads_async.testing import FakeServer  # noqa: PLC0415 - a demo is rare, and its server heavy

            server = await stack.enter_async_context(FakeServer(threads=connection.demo))
            if connection.churn:
                await stack.enter_async_context(server.churn(connection.churn))
            base_url, token = server.url, Secret(server.token)
        yield await stack.enter_async_context(
            ThreadsClient(
                None if token is None else token.reveal(),
                base_url=base_url,
                timeout=connection.timeout,
                # The deadline is such that every attempt may take its whole time.
                retry=RetryPolicy(
                    attempts=connection.attempts, deadline=max(60.0, connection.timeout * connection.attempts)
                ),
            )
        )
