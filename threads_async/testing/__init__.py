"""Test programs that use ``threads_async`` against real servers on the loopback interface.

`FakeServer` implements the documented API. `WireServer` produces failures below HTTP; its scripts are in
``threads_async.testing.wire``. The pytest fixtures ``zenno_server`` and ``threads_client`` are available wherever the
package is installed.
"""

from threads_async.testing._rows import FakeBrowser, FakeThread, FakeWorkspace
from threads_async.testing._values import Fault, SeenRequest
from threads_async.testing.server import FakeServer
from threads_async.testing.wire import WireServer

__all__ = ["FakeBrowser", "FakeServer", "FakeThread", "FakeWorkspace", "Fault", "SeenRequest", "WireServer"]
