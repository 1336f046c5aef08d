"""Whether a host has addresses, and whether one of them accepts a connection."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from threads_async import _failures
from threads_async._exchange import Request
from threads_async.errors import ConnectionFailedError, RequestError, RequestTimeoutError

_PORTS: Final = {"http": 80, "https": 443}
_CHECK_HOST: Final = "check the host of base_url"


async def _resolve(host: str, port: int) -> Sequence[str]:
    future: Future[list[tuple[Any, ...]]] = Future()

    def look_up() -> None:
        # From now on the future cannot be cancelled, so that setting its result is not an error.
        future.set_running_or_notify_cancel()
        try:
            future.set_result([*socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except Exception as error:  # noqa: BLE001 - it belongs to the coroutine that waits
            future.set_exception(error)

    # `loop.getaddrinfo` uses a thread that must end before the process can. A silent name server would delay that by a
    # minute or longer.
    threading.Thread(target=look_up, daemon=True).start()
    found = await asyncio.wrap_future(future)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _connect(address: str, port: int) -> None:
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    # The other side may have closed the connection first.
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@frozen
class Network:
    """How names are looked up and connections are made.

    Attributes:
        resolve: Returns the addresses of a host, or raises an `OSError` or a `UnicodeError`.
        connect: Connects to a port of an address and closes the connection, or raises an `OSError`.
    """

    resolve: Callable[[str, int], Awaitable[Sequence[str]]] = _resolve
    connect: Callable[[str, int], Awaitable[None]] = _connect


@frozen
class Target:
    """Where a base URL leads.

    Attributes:
        url: The base URL.
        host: Its host.
        port: Its port, also if the URL leaves it out.
    """

    url: str
    host: str
    port: int


def target_of(url: str) -> Target:
    """Return where `url`, a valid base URL, leads."""
    parts = urlsplit(url)
    return Target(url, parts.hostname or "", parts.port or _PORTS[parts.scheme])


async def addresses_of(target: Target, seconds: float, network: Network) -> Sequence[str] | RequestError:
    """Return the addresses of the host, or why they cannot be found within `seconds`."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(target.host)
        return [target.host]
    try:
        async with asyncio.timeout(seconds):
            return await network.resolve(target.host, target.port)
    except TimeoutError:
        return RequestTimeoutError(f"the name {target.host} was not found within {seconds:g} s", hint=_CHECK_HOST)
    except OSError as error:
        reason = error.strerror
    except UnicodeError:
        reason = "it is not a valid host name"
    return ConnectionFailedError(f"the name {target.host} is not known ({reason})", hint=_CHECK_HOST)


async def accepting(addresses: Sequence[str], target: Target, seconds: float, network: Network) -> str | RequestError:
    """Return the first of `addresses` that accepts a connection, or why none does within `seconds`.

    All are tried at once: `localhost` often means two addresses, and a server may listen on one of them only.
    """

    async def attempt(address: str) -> str:
        await network.connect(address, target.port)
        return address

    attempts = [asyncio.create_task(attempt(address)) for address in addresses]
    failures: list[OSError] = []
    try:
        async with asyncio.timeout(seconds):
            for done in asyncio.as_completed(attempts):
                try:
                    return await done
                except OSError as error:
                    failures.append(error)
    except TimeoutError:
        return RequestTimeoutError(f"no connection within {seconds:g} s")
    finally:
        for one in attempts:
            one.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
    # A refusal says most: the machine responds, but nothing listens on the port.
    failure = min(failures, key=lambda error: not isinstance(error, ConnectionRefusedError))
    return _failures.failure_of(failure, Request(target.url, ()))
