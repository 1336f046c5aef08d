"""The message and the hint of a failed connection.

Most tests call the function itself: on Python 3.11, coverage loses the lines that run after a refused connection.
"""

import errno

import pytest

from threads_async import ConnectionFailedError, RequestError, ThreadsClient, ThreadsQuery
from threads_async import _transport as transport
from threads_async._exchange import Request
from threads_async._failures import failure_of
from threads_async.testing import FakeServer


def failure(error: Exception, url: str = "http://localhost:8160/v1/threads") -> ConnectionFailedError:
    found = failure_of(error, Request(url, (), 0))
    assert isinstance(found, ConnectionFailedError)
    return found


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("http://localhost:8160/v1/threads", "check that ZennoBrowser is running"),
        ("http://127.0.0.1:8160/v1/threads", "check that ZennoBrowser is running"),
        ("http://127.9.9.9:8160/v1/threads", "check that ZennoBrowser is running"),
        ("https://[::1]:8160/api/v1/threads", "check that ZennoBrowser is running"),
        ("http://localhost:8161/v1/threads", "check the host and port of base_url"),
        ("http://localhost/v1/threads", "check the host and port of base_url"),
        ("http://10.0.0.5:8160/v1/threads", "check the host and port of base_url"),
        ("https://farm-7:443/v1/threads", "check the host and port of base_url"),
        ("https://farm-7:8160/v1/threads", "check the host and port of base_url"),
    ],
)
def test_a_refused_connection_suggests_zennobrowser_only_at_its_own_address(url: str, hint: str) -> None:
    found = failure(ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('somewhere', 1)"), url)

    assert ("the connection was refused", hint) == (found.message, found.hint)
    assert found.temporary


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ECONNREFUSED, "x"), "the connection was refused"),
        (ConnectionRefusedError(10061, "as Windows numbers it"), "the connection was refused"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "the connection was reset"),
        (BrokenPipeError(errno.EPIPE, "x"), "the connection was reset"),
        (OSError(errno.EHOSTUNREACH, "x"), "there is no route to the host"),
        (OSError(errno.ENETUNREACH, "x"), "the network cannot be reached"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "the connection attempt timed out"),
        (OSError(errno.EMFILE, "x"), "the connection failed (EMFILE)"),
        (OSError(123456, "x"), "the connection failed (error 123456)"),
        (OSError("x"), "the connection failed"),
        (EOFError("x"), "the connection failed"),
    ],
)
def test_a_network_failure_is_described_without_quoting_the_system(error: Exception, message: str) -> None:
    assert message == failure(error).message


async def test_an_unexpected_error_keeps_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> RequestError:
        raise ZeroDivisionError

    monkeypatch.setattr(transport, "status_error", broken)
    async with FakeServer() as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.fail_next()
        with pytest.raises(ZeroDivisionError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert "broken" == caught.traceback[-1].name
