"""What a consistent walk remembers of the items that it has seen. Performs no I/O."""

import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from threads_async.models import T

_ENOUGH_BITS: Final = 64
_SPARE_BITS: Final = 4


def keys_of(items: Iterable[T], identity: Callable[[T], Hashable], bits: int = sys.hash_info.width) -> list[Hashable]:
    """Return what a walk remembers of each of `items`: the hash of its identity, or a number itself.

    A thread token has several hundred characters, its hash 60 bits. The probability that two of a million items have
    the same is 4 in 10 million. In a 32-bit Python it would be far too high, so there it is the identity itself.

    Args:
        items: The items.
        identity: What tells one item from another.
        bits: How many bits a hash has.
    """
    if bits < _ENOUGH_BITS:
        return [identity(item) for item in items]
    # An int of 60 bits takes 16 bytes less than one of 64. The hash of an int is no hash: it is that int, but for -1.
    return [key if type(key := identity(item)) is int else hash(key) >> _SPARE_BITS for item in items]


def last_place(keys: Sequence[Hashable], seen: AbstractSet[Hashable]) -> int:
    """Return where the last of `keys` stands that has been `seen`; -1 if none has."""
    # Faster than from the end, since one comprehension is.
    return ([-1] + [place for place, key in enumerate(keys) if key in seen])[-1]


def first_places(keys: Sequence[Hashable], start: int) -> Sequence[int]:
    """Return the places from `start` at which a key stands that stands at none before, from there."""
    new = keys[start:]
    if len(set(new)) == len(new):
        return range(start, len(keys))
    firsts = dict(zip(reversed(new), reversed(range(start, len(keys))), strict=True))
    return sorted(firsts.values())


def at(places: Sequence[int], of: Sequence[T]) -> tuple[T, ...]:
    """Return what stands at these `places`."""
    if isinstance(places, range):
        # All in a row, which is usual.
        return tuple(of[places.start : places.stop])
    return tuple([of[place] for place in places])
