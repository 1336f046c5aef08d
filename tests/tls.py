"""A TLS front for a server that speaks plain HTTP, with a certificate from its own authority."""

import asyncio
import contextlib
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from threads_async.testing import FakeServer


class TlsFront:
    """Accepts HTTPS connections on loopback and forwards their bytes to `server`, which must be running.

    Its certificate is for 127.0.0.1 and is issued by `authority`. A client trusts it only after
    `authority.configure_trust(context)`, or with ``SSL_CERT_FILE`` and the file that `write_authority` writes.
    """

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.port = 0
        self.authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._front: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL of the API, after `start`."""
        return f"https://127.0.0.1:{self.port}"

    def write_authority(self, path: Path) -> Path:
        """Write the authority's certificate to `path` as PEM, and return `path`."""
        self.authority.cert_pem.write_to_path(str(path))
        return path

    async def start(self) -> None:
        """Listen, after a `stop` on the same port."""
        self._front = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._context)
        self.port = self._front.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end all connections."""
        assert self._front is not None
        self._front.close()
        relays = list(self._relays)
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
        await self._front.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Our own task, because the stream server would log the cancellation of its task.
        relay = asyncio.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            with contextlib.closing(inner_writer):
                passing = {
                    asyncio.create_task(_pass_on(reader, inner_writer)),
                    asyncio.create_task(_pass_on(inner_reader, writer)),
                }
                try:
                    # When one side ends, end the other too: these connections carry one request after another.
                    await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
                except asyncio.CancelledError:
                    # Without the closing handshake of TLS, for which the server would wait when it stops.
                    writer.transport.abort()
                    raise
                finally:
                    for task in passing:
                        task.cancel()
                    await asyncio.gather(*passing, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
