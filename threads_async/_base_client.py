"""The base of the client: settings, session and closing."""

import os
from types import TracebackType
from typing import Final, Self, TypedDict

import aiohttp

from threads_async._acting import Actor
from threads_async._checks import check_seconds
from threads_async._settings import read_settings
from threads_async._source import PageSource
from threads_async._transport import Bounds, Transport
from threads_async.errors import ClientClosedError, ConfigurationError
from threads_async.retry import RetryPolicy, check_policy

_DEFAULT_RETRY: Final = RetryPolicy()


class ClientOptions(TypedDict, total=False):
    """The parameters of `ThreadsClient`, except the address and the token."""

    session: aiohttp.ClientSession | None
    timeout: float
    retry: RetryPolicy
    max_response_bytes: int


class BaseClient:
    """The part of `ThreadsClient` that sends no requests."""

    def __init__(  # noqa: PLR0913 - all but the first by keyword
        self,
        token: str | None = None,
        *,
        base_url: str | None = None,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy = _DEFAULT_RETRY,
        max_response_bytes: int = 64 * 2**20,
    ) -> None:
        settings = read_settings(token, base_url, os.environ)
        # A traceback that prints local variables must not show them.
        token = base_url = None
        if isinstance(settings, ConfigurationError):
            raise settings
        check_seconds("timeout", timeout)
        if type(max_response_bytes) is not int or max_response_bytes < 1:
            raise ConfigurationError("max_response_bytes must be an integer, 1 or more", parameter="max_response_bytes")
        check_policy(retry)
        self._base_url = settings.base_url
        bounds = Bounds(timeout=timeout, response_bytes=max_response_bytes, retry=retry)
        self._timeout = timeout
        self._source = PageSource(self._base_url, Transport(settings.token, session, bounds))
        self._actor = Actor(self._source)

    def __repr__(self) -> str:
        if not hasattr(self, "_source"):
            return f"<{type(self).__name__}, not initialized>"
        return f"<{type(self).__name__} of {self._base_url}{', closed' if self.closed else ''}>"

    @property
    def base_url(self) -> str:
        """The address of the API, without a trailing slash."""
        return self._base_url

    @property
    def closed(self) -> bool:
        """Whether the client has been closed."""
        return self._source.closed

    async def __aenter__(self) -> Self:
        if self.closed:
            raise ClientClosedError("the client is closed; make a new one")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the client, and its session if the client created it. You can call this more than once."""
        await self._source.close()
