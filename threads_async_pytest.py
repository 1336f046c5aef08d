"""The pytest fixtures `zenno_server` and `threads_client`.

pytest imports this in every run of everyone who has the package installed, used or not. So it stands beside the
package, whose import costs a quarter of a second, and imports it only for a test that asks for a fixture.
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
        "markers", "zenno_server(**parameters): what FakeServer is made with for the fixture `zenno_server`"
    )


@pytest.fixture
def zenno_server(request: pytest.FixtureRequest) -> Generator[FakeServer]:
    """A running `FakeServer` of 25 threads, or made as ``@pytest.mark.zenno_server(threads=2500, …)`` says.

    It runs in a thread of its own, so that tests with and without an event loop may use it.
    """
    from threads_async.testing._fixtures import serve  # noqa: PLC0415 - see above

    parameters: dict[str, object] = {}
    for marker in reversed(list(request.node.iter_markers("zenno_server"))):
        parameters |= marker.kwargs
    yield from serve(parameters)


@pytest.fixture
def threads_client(zenno_server: FakeServer) -> Generator[ThreadsClient]:
    """A `ThreadsClient` of `zenno_server`, for whichever event loop the test runs. It closes itself."""
    from threads_async.testing._fixtures import connect  # noqa: PLC0415 - see above

    yield from connect(zenno_server)
