"""HTTPS with a trusted and with an untrusted certificate."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tls import TlsFront

from threads_async import ConnectionFailedError, ThreadsClient
from threads_async.testing import FakeServer


@pytest.fixture
async def front(server: FakeServer) -> AsyncIterator[TlsFront]:
    async with TlsFront(server) as front:
        yield front


async def test_an_untrusted_certificate_is_a_failed_connection_that_is_not_retried(
    server: FakeServer, front: TlsFront
) -> None:
    async with ThreadsClient(server.token, base_url=front.url) as client:
        with pytest.raises(ConnectionFailedError, match="not trusted") as caught:
            await client.threads().count()

    assert (1, False) == (caught.value.attempts, caught.value.temporary)
    assert [] == server.requests


async def test_a_session_whose_context_trusts_the_authority_lists_over_https(
    server: FakeServer, front: TlsFront
) -> None:
    context = ssl.create_default_context()
    front.authority.configure_trust(context)

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        ThreadsClient(server.token, base_url=front.url, session=session) as client,
    ):
        threads = await client.threads().collect()

    assert [thread.thread_token for thread in server.threads] == [thread.thread_token for thread in threads]


async def test_the_authority_is_written_as_a_file_that_can_be_loaded(front: TlsFront, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=front.write_authority(tmp_path / "ca.pem"))

    (loaded,) = context.get_ca_certs()
    assert "trustme" in str(loaded["subject"])


async def test_open_connections_do_not_prevent_the_front_from_stopping(server: FakeServer, front: TlsFront) -> None:
    context = ssl.create_default_context()
    front.authority.configure_trust(context)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        async with session.get(f"{front.url}/v1/threads", headers={"Api-Token": server.token}) as answer:
            assert 200 == answer.status
        await front.stop()

        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(front.url)
    await front.start()
