"""The pytest fixtures ``zenno_server`` and ``threads_client``.

pytest imports this module in every run wherever the package is installed, even if no test uses a fixture. Importing
the package is slow. This module is therefore not a part of the package, and imports it only when a
test requests a fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from threads_async import ThreadsClient
    from threads_async.testing import FakeServer


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", "zenno_server(**parameters): parameters of the FakeServer of the fixture `zenno_server`"
    )


@pytest.fixture
def zenno_server(request: pytest.FixtureRequest) -> Generator[FakeServer]:
    """A running `FakeServer`, with 25 threads or the parameters of ``@pytest.mark.zenno_server(threads=2500, …)``.

    It runs in its own thread, so that tests with and without an event loop can use it.
    """
    from threads_async.testing._fixtures import serve  # noqa: PLC0415 - see above

    parameters: dict[str, object] = {}
    for marker in reversed(list(request.node.iter_markers("zenno_server"))):
        parameters |= marker.kwargs
    yield from serve(parameters)


@pytest.fixture
def threads_client(zenno_server: FakeServer) -> Generator[ThreadsClient]:
    """A `ThreadsClient` of ``zenno_server`` that works in the event loop of the test. It is closed automatically."""
    from threads_async.testing._fixtures import connect  # noqa: PLC0415 - see above

    yield from connect(zenno_server)
