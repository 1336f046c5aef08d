"""The pytest fixtures `zenno_server` and `threads_client`.

pytest loads this in every run of everyone who installed the package, so it imports no more than it must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from threads_async import ThreadsClient
    from threads_async.testing import FakeServer

try:
    from pytest_asyncio import fixture
except ImportError:
    fixture = pytest.fixture  # type: ignore[assignment]  # the name stands for whichever there is


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", "zenno_server(**parameters): what FakeServer is made with for the fixture `zenno_server`"
    )


@pytest.fixture
def _zenno_parameters(request: pytest.FixtureRequest) -> dict[str, object]:
    """Collect what the markers say, the nearest last."""
    if fixture is pytest.fixture:
        pytest.fail("the fixture zenno_server needs pytest-asyncio: pip install pytest-asyncio", pytrace=False)
    parameters: dict[str, object] = {}
    for marker in reversed(list(request.node.iter_markers("zenno_server"))):
        parameters |= marker.kwargs
    return parameters


@fixture
async def zenno_server(_zenno_parameters: dict[str, object]) -> AsyncGenerator[FakeServer]:
    """A running `FakeServer` of 25 threads, or made as ``@pytest.mark.zenno_server(threads=2500, …)`` says."""
    from threads_async.testing import FakeServer  # noqa: PLC0415 - see above

    async with FakeServer(**_zenno_parameters) as server:  # type: ignore[arg-type]
        yield server


@fixture
async def threads_client(zenno_server: FakeServer) -> AsyncGenerator[ThreadsClient]:
    """A `ThreadsClient` of `zenno_server`."""
    from threads_async import ThreadsClient  # noqa: PLC0415 - see above

    async with ThreadsClient(zenno_server.token, base_url=zenno_server.url) as client:
        yield client
