"""The keys by which a consistent walk remembers the items that it has seen. Performs no I/O."""

import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from threads_async.models import T

_ENOUGH_BITS: Final = 64
_SPARE_BITS: Final = 4


def keys_of(items: Iterable[T], identity: Callable[[T], Hashable], bits: int = sys.hash_info.width) -> list[Hashable]:
    """Return the key of each item: the hash of its identity, or the identity itself if it is an int.

    A thread token has several hundred characters, but its key only 60 bits. The probability that any two of a million
    items have the same key is 4 in 10 million. With the hashes of a 32-bit Python it would be far too high, so there
    the key is the identity.

    Args:
        items: The items.
        identity: Returns the value that distinguishes an item from all others.
        bits: The number of bits of a hash.
    """
    if bits < _ENOUGH_BITS:
        return [identity(item) for item in items]
    # An int of 60 bits takes 16 bytes less than one of 64 bits. An identity that is an int is not hashed: that would
    # gain nothing, and -1 and -2 have the same hash.
    return [key if type(key := identity(item)) is int else hash(key) >> _SPARE_BITS for item in items]


def last_place(keys: Sequence[Hashable], seen: AbstractSet[Hashable]) -> int:
    """Return the position of the last of `keys` that is in `seen`, or -1 if none is."""
    # One comprehension over all keys is faster than a loop from the end.
    return ([-1] + [place for place, key in enumerate(keys) if key in seen])[-1]


def first_places(keys: Sequence[Hashable], start: int) -> Sequence[int]:
    """Return the positions in `keys`, from `start` on, of keys that occur there for the first time."""
    new = keys[start:]
    if len(set(new)) == len(new):
        return range(start, len(keys))
    firsts = dict(zip(reversed(new), reversed(range(start, len(keys))), strict=True))
    return sorted(firsts.values())


def at(places: Sequence[int], of: Sequence[T]) -> tuple[T, ...]:
    """Return the elements of `of` at `places`."""
    if isinstance(places, range):
        # The usual case: all in a row.
        return tuple(of[places.start : places.stop])
    return tuple([of[place] for place in places])
