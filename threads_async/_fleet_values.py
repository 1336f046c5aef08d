"""What a fleet returns: the values of one machine, with its name. Performs no I/O."""

from typing import Generic, Literal, TypeAlias

from attrs import field, frozen

from threads_async.models import BrowserInstance, ExecutionThread, T_co, Value, WatchEvent, Workspace

OnError: TypeAlias = Literal["continue", "stop"]
"""What a fleet does when a machine fails: read the others to the end first, or raise the error immediately."""


@frozen
class FleetThread(Value):
    """An execution thread on a machine of a fleet.

    Attributes:
        machine: The name of the machine in the fleet.
        thread: The thread.
    """

    machine: str
    thread: ExecutionThread


@frozen
class FleetWorkspace(Value):
    """A workspace, as a machine of a fleet lists it.

    Attributes:
        machine: The name of the machine in the fleet.
        workspace: The workspace.
    """

    machine: str
    workspace: Workspace


@frozen
class FleetBrowserInstance(Value):
    """A running browser on a machine of a fleet.

    Attributes:
        machine: The name of the machine in the fleet.
        browser_instance: The browser.
    """

    machine: str
    browser_instance: BrowserInstance


@frozen
class FleetPage(Generic[T_co]):
    """One page of the listing of one machine.

    Attributes:
        machine: The name of the machine in the fleet.
        items: The items with the name of the machine, in the order of its server.
        total_count: The number of all items on this machine that matched when its server created the page.
        start: The index of the first item of the page on this machine, counted from zero.
    """

    machine: str
    items: tuple[T_co, ...] = field(repr=lambda items: f"<{len(items)} items>")
    total_count: int
    start: int


@frozen
class FleetEvent:
    """What a `FleetWatch` reports.

    Attributes:
        machine: The name of the machine in the fleet.
        event: What happened there: a `ThreadEvent` or a `ServerEvent`.
    """

    machine: str
    event: WatchEvent
