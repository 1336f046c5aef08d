"""What the client reports while it works: records on one logger, and nothing anywhere else."""

import logging
import subprocess
import sys

import pytest

from threads_async import RetryPolicy, ServerError, ThreadsClient
from threads_async.testing import FakeServer, Fault


async def test_each_retry_is_one_record_with_its_details_as_fields_and_as_text(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with ThreadsClient(server.token, base_url=server.url, retry=RetryPolicy(max_backoff=1e-9)) as client:
        server.fail_next(1, Fault(503, b"busy"))
        server.fail_next(1, Fault(None))
        # For the request that aiohttp itself sends again when a connection closes without a response.
        server.fail_next(1, Fault(None))
        await client.threads().count()

    request = f"GET {server.url}/v1/threads?workspaceId=-1&start=0&total=1"
    causes = ['the server failed (503, "busy")', "the server closed the connection without a response"]
    assert [
        {
            "retry_host": f"127.0.0.1:{server.port}",
            "retry_request": request,
            "retry_attempt": attempt,
            "retry_wait": pytest.approx(0.0, abs=1e-9),
            "retry_cause": cause,
        }
        for attempt, cause in enumerate(causes, 1)
    ] == [
        {name: value for name, value in vars(record).items() if name.startswith("retry_")} for record in caplog.records
    ]
    assert [
        f"attempt {attempt} of 3 failed, retrying in 0.00 s: {cause} ({request})"
        for attempt, cause in enumerate(causes, 1)
    ] == caplog.messages
    assert {("threads_async", logging.WARNING)} == {(record.name, record.levelno) for record in caplog.records}


async def test_the_last_attempt_is_reported_only_by_its_error(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fault_for = lambda _: Fault()
    async with ThreadsClient(server.token, base_url=server.url, retry=RetryPolicy(attempts=2)) as client:
        with pytest.raises(ServerError):
            await client.threads().count()

    assert 1 == len(caplog.records)


FROM_A_DEAD_PORT = """
import asyncio, socket, sys
{first}
from threads_async import ThreadsClient, ThreadsError

async def main():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with ThreadsClient("x", base_url=f"http://127.0.0.1:{{unused.getsockname()[1]}}") as client:
            async for _ in client.threads():
                pass

try:
    asyncio.run(main())
except ThreadsError as error:
    sys.exit(f"mine: {{error}}")
"""


@pytest.mark.parametrize("first", ["", "import structlog", "import structlog; structlog.configure()"])
def test_a_program_without_logging_prints_only_its_own_error(first: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", FROM_A_DEAD_PORT.format(first=first)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (1, "") == (done.returncode, done.stdout)
    (line,) = done.stderr.splitlines()
    assert line.startswith("mine: the connection was refused (GET http://127.0.0.1:")
