"""The server below HTTP is what its scripts say. Most of it is used in test_transport.py."""

import pytest

from threads_async.testing import WireServer


def test_a_server_without_scripts_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="at least one script"):
        WireServer()
