"""Find out what happened to threads between two looks of a watch. Performs no I/O.

Rule 1. Two threads with the same identity are the same thread. The identity is the token, if there is one.
Rule 2. A thread that has disappeared and one that has appeared are the same thread with another token if they have the
        same workspace, type and creation time, and no other thread has disappeared or appeared that has these too.
        Continuing a thread may give it another token.
Rule 3. Stops come before changes, and changes before starts. Each group is in the order of the list, except that
        changes of a token come after other changes.
"""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime

from threads_async._endpoints import THREADS
from threads_async.models import EventKind, ExecutionThread, ThreadEvent


def by_identity(threads: Iterable[ExecutionThread]) -> Mapping[Hashable, ExecutionThread]:
    """Return `threads` by their identities (rule 1), in order."""
    return {THREADS.identity(thread): thread for thread in threads}


def happened(
    before: Mapping[Hashable, ExecutionThread] | None, now: Mapping[Hashable, ExecutionThread], at: datetime
) -> list[ThreadEvent]:
    """Return the events between two looks.

    Args:
        before: The threads that the look before found, by their identities; None for the first look.
        now: The threads that this look found.
        at: The time of this look.
    """
    if before is None:
        return [ThreadEvent(EventKind.PRESENT, thread, at) for thread in now.values()]
    changed = [(old, now[identity]) for identity, old in before.items() if identity in now and old != now[identity]]
    if before.keys() == now.keys():
        return [_change(old, new, at) for old, new in changed]
    gone = {identity: thread for identity, thread in before.items() if identity not in now}
    new = {identity: thread for identity, thread in now.items() if identity not in before}
    renewed = _renewed(gone, new)
    stopped = [
        ThreadEvent(EventKind.STOPPED, thread, at) for identity, thread in gone.items() if identity not in renewed
    ]
    known = set(renewed.values())
    started = [ThreadEvent(EventKind.STARTED, thread, at) for identity, thread in new.items() if identity not in known]
    changed += [(gone[old], new[renewed[old]]) for old in renewed]
    return [*stopped, *(_change(old, new, at) for old, new in changed), *started]


def _change(before: ExecutionThread, after: ExecutionThread, at: datetime) -> ThreadEvent:
    return ThreadEvent(EventKind.CHANGED, after, at, before)


def _renewed(
    gone: Mapping[Hashable, ExecutionThread], new: Mapping[Hashable, ExecutionThread]
) -> dict[Hashable, Hashable]:
    """Return the identities in `gone` that the threads in `new` had before, with those that they have now (rule 2)."""
    before, after = _unique(gone), _unique(new)
    return {identity: after[origin] for origin, identity in before.items() if origin in after}


def _unique(threads: Mapping[Hashable, ExecutionThread]) -> dict[Hashable, Hashable]:
    """Return the identities of the threads that differ from all others in what a new token leaves as it is."""
    found: dict[Hashable, list[Hashable]] = {}
    for identity, thread in threads.items():
        found.setdefault((thread.workspace_id, thread.type, thread.created_at), []).append(identity)
    return {origin: identities[0] for origin, identities in found.items() if len(identities) == 1}
