"""Servers on the loopback interface, to test programs that use ``threads_async``.

`FakeServer` implements the lists and the limits of the documented API. `WireServer` produces failures below HTTP; its
scripts are in ``threads_async.testing.wire``. The pytest fixtures ``zenno_server`` and ``threads_client`` are available
wherever the package is installed.
"""

from threads_async.testing._rows import FakeBrowser, FakeThread, FakeWorkspace
from threads_async.testing._values import Fault, SeenRequest
from threads_async.testing.server import FakeServer
from threads_async.testing.wire import WireServer

__all__ = ["FakeBrowser", "FakeServer", "FakeThread", "FakeWorkspace", "Fault", "SeenRequest", "WireServer"]
