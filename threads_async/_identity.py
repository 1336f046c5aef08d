"""What tells one thread from another. Performs no I/O."""

import sys
from collections.abc import Hashable
from typing import Final

from threads_async.models import ExecutionThread

_ENOUGH_BITS: Final = 64
_SPARE_BITS: Final = 4


def identity_of(thread: ExecutionThread) -> Hashable:
    """Return what tells `thread` from others: its token, or all its other fields where it has none."""
    token = thread.thread_token
    return token if token is not None else (thread.workspace_id, thread.created_at, thread.type)


def key_of(thread: ExecutionThread, bits: int = sys.hash_info.width) -> Hashable:
    """Return what a walk remembers of `thread`: the hash of its identity.

    A token has several hundred characters, its hash 60 bits. The probability that two of a million threads have the
    same is 4 in 10 million. In a 32-bit Python it would be far too high, so there it is the identity itself.

    Args:
        thread: The thread.
        bits: How many bits a hash has.
    """
    identity = identity_of(thread)
    # An int of 60 bits takes 16 bytes less than one of 64.
    return hash(identity) >> _SPARE_BITS if bits >= _ENOUGH_BITS else identity
