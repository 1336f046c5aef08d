"""Fixtures and settings that all tests share."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import aioresponses.core
import hypothesis
import pytest
from listings import THREADS, Kind

from threads_async import ThreadsClient
from threads_async.testing import FakeServer

# `ci` is the default, `fast` is for use between two edits, and `slow` is for a run overnight.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=10)
hypothesis.settings.register_profile("slow", deadline=None, max_examples=20_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings from the tests."""
    monkeypatch.delenv("ZB_API_TOKEN", raising=False)
    monkeypatch.delenv("ZB_API_BASE_URL", raising=False)


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the number of attempts, but skip the pauses between them. Other tests check how long the pauses are."""

    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("threads_async._transport._pause", no_pause)


class _ResponseOfOldSignature(aiohttp.ClientResponse):
    """A response with the argument that aiohttp 3.14 added and aioresponses 0.7.9 does not pass (its issue 289)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"stream_writer": Mock(output_size=0)} | kwargs)


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[FakeServer]:
    """A server with three pages of the kind of items that the test is about, or of threads."""
    callspec = getattr(request.node, "callspec", None)
    kind: Kind = THREADS if callspec is None else callspec.params.get("kind", THREADS)
    async with kind.server(2500) as server:
        yield server


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[ThreadsClient]:
    async with ThreadsClient(server.token, base_url=server.url) as client:
        yield client


@pytest.fixture
def aioresponses_shim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make aioresponses work with aiohttp 3.14. The test in `test_shim.py` fails when this is no longer needed."""
    monkeypatch.setattr(aioresponses.core, "ClientResponse", _ResponseOfOldSignature)
