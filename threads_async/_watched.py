"""Find out what happened between two looks of a watch. Performs no I/O."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime

from attrs import evolve, frozen

from threads_async._endpoints import THREADS
from threads_async.errors import RequestError
from threads_async.models import EventKind, ExecutionThread, ThreadEvent


@frozen
class Watched:
    """What a watch remembers between two looks.

    Attributes:
        alive: The threads of the last successful look by their identities; None before the first one.
        reachable: Whether the last look succeeded.
    """

    alive: Mapping[Hashable, ExecutionThread] | None = None
    reachable: bool = True


def after_success(
    watched: Watched, threads: Iterable[ExecutionThread], at: datetime
) -> tuple[Watched, list[ThreadEvent]]:
    """Return what to remember after a look that found `threads`, and the events.

    If the server is reachable again, that is the first event. After the first successful look, all threads follow.
    Later, the threads that stopped follow, and then the threads that started. Each group is in the order of the list.
    """
    now = {THREADS.identity(thread): thread for thread in threads}
    before = watched.alive
    happened: list[tuple[EventKind, ExecutionThread | None]] = []
    if not watched.reachable:
        happened.append((EventKind.REACHABLE, None))
    if before is None:
        happened += [(EventKind.PRESENT, thread) for thread in now.values()]
    else:
        happened += [(EventKind.STOPPED, thread) for identity, thread in before.items() if identity not in now]
        happened += [(EventKind.STARTED, thread) for identity, thread in now.items() if identity not in before]
    return Watched(now), [ThreadEvent(kind, thread, at) for kind, thread in happened]


def after_failure(watched: Watched, error: RequestError, at: datetime) -> tuple[Watched, list[ThreadEvent]]:
    """Return what to remember after a look that failed with `error`, and the events.

    There is no event if the previous look failed too.
    """
    events = [ThreadEvent(EventKind.UNREACHABLE, None, at, error)] if watched.reachable else []
    return evolve(watched, reachable=False), events
