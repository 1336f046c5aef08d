"""The server below HTTP does what its scripts say. test_transport.py uses most of it."""

import pytest

from threads_async.testing import WireServer


def test_a_server_without_scripts_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one script"):
        WireServer()
