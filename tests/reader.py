"""A reader of a watch that knows nothing but the events."""

from threads_async import EventKind, ExecutionThread, ServerEvent, ThreadEvent, WatchEvent


class Reader:
    """What the events say. Reading an event fails if it contradicts those before it.

    Attributes:
        known: The running threads.
        reachable: Whether the server responds.
    """

    def __init__(self) -> None:
        self.known: list[ExecutionThread] = []
        self.reachable = True

    def read(self, event: WatchEvent) -> None:
        """Take in an event."""
        match event:
            case ThreadEvent(kind=EventKind.PRESENT | EventKind.STARTED, previous=None):
                assert event.thread not in self.known
                self.known.append(event.thread)
            case ThreadEvent(kind=EventKind.STOPPED, previous=None):
                self.known.remove(event.thread)
            case ThreadEvent(kind=EventKind.CHANGED, previous=ExecutionThread() as previous):
                assert previous != event.thread
                self.known[self.known.index(previous)] = event.thread
            case ServerEvent(kind=EventKind.REACHABLE, error=None):
                assert not self.reachable
                self.reachable = True
            case _:
                assert (True, EventKind.UNREACHABLE) == (self.reachable, event.kind)
                self.reachable = False
