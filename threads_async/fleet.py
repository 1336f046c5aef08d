"""A fleet: the clients of many machines as one. No HTTP here."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, Unpack

from threads_async._base_client import ClientOptions
from threads_async._checks import INT32_MAX, check_int64, check_whole_number
from threads_async._each_machine import call_each
from threads_async._fleet_checks import by_machine, is_name
from threads_async._fleet_file import machines_in
from threads_async._fleet_iterators import MachineListings
from threads_async._fleet_listing import FleetListing
from threads_async._fleet_values import FleetBrowserInstance, FleetThread, FleetWorkspace, OnError
from threads_async._parameters import (
    BrowserInstancesParameters,
    ThreadsParameters,
    WatchParameters,
    WorkspacesParameters,
)
from threads_async._targets import checked
from threads_async.client import ThreadsClient
from threads_async.errors import ClientClosedError, ConfigurationError
from threads_async.fleet_watch import FleetWatch
from threads_async.listing import Listing
from threads_async.models import Limits, T

_CLOSED: Final = "the fleet is closed; make a new one"


class Fleet:
    """The clients of many machines, used as one.

    ::

        async with Fleet({"office-1": client_1, "office-2": client_2}) as fleet:
            async for found in fleet.threads():
                print(found.machine, found.thread.type)

    If a machine fails, a call finishes on all others, and then raises a `FleetError` with the error of each machine
    that failed.

    The fleet takes over its clients: `Fleet.close` closes them. Like a client, it works in one event loop.

    Args:
        clients: The client of each machine, by a name for the machine. If two names belong to the same machine, its
            threads are listed twice.
        at_once: Maximum number of machines that each call and each iterator queries at the same time. A watch has no
            such limit.

    Raises:
        ConfigurationError: There are no machines, a name is empty or not printable, or ``at_once`` is below 1.
    """

    def __init__(self, clients: Mapping[str, ThreadsClient], *, at_once: int = 32) -> None:
        if not clients:
            raise ConfigurationError("a fleet needs at least one machine", parameter="clients")
        for name, client in clients.items():
            if not is_name(name):
                raise ConfigurationError(
                    "the name of a machine must be a non-empty printable string", parameter="clients"
                )
            if not isinstance(client, ThreadsClient):  # pyright: ignore[reportUnnecessaryIsInstance] - checked for callers without type checks
                raise ConfigurationError(f"machine {name!r} needs a ThreadsClient", parameter="clients")
        check_whole_number("at_once", at_once, 1, INT32_MAX)
        self._clients = MappingProxyType(dict(clients))
        self._at_once = at_once
        self._closed = False

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, at_once: int = 32, **options: Unpack[ClientOptions]) -> Self:
        """Return the fleet that a TOML file describes.

        The file has a table for each machine::

            [machines.office-1]
            base_url = "http://10.0.0.5:8160"
            token_env = "ZB_TOKEN_OFFICE_1"

        The token is in the environment variable ``token_env`` or in the file ``token_file``, which contains nothing
        else. A relative path starts at the folder of the fleet's file. The file itself never contains a token.

        Args:
            path: The path of the file.
            at_once: As in `Fleet`.
            options: The parameters ``session``, ``timeout``, ``retry`` and ``max_response_bytes`` of `ThreadsClient`,
                for all machines. With a ``session``, all machines share its connections and their limit.

        Raises:
            ConfigurationError: The file cannot be read, or a setting in it is missing or invalid. The message names the
                setting, such as ``machines.office-1.base_url``, and shows no value.
        """
        machines = machines_in(path, os.environ)
        if isinstance(machines, ConfigurationError):
            raise machines
        clients = {
            name: ThreadsClient(machine.token.reveal(), base_url=machine.base_url, **options)
            for name, machine in machines.items()
        }
        return cls(clients, at_once=at_once)

    def __repr__(self) -> str:
        if not hasattr(self, "_closed"):
            return f"<{type(self).__name__}, not initialized>"
        count = len(self._clients)
        machines = f"{count} machine{'' if count == 1 else 's'}"
        return f"<{type(self).__name__} of {machines}{', closed' if self.closed else ''}>"

    @property
    def clients(self) -> Mapping[str, ThreadsClient]:
        """The client of each machine, by its name."""
        return self._clients

    @property
    def closed(self) -> bool:
        """Whether the fleet has been closed."""
        return self._closed

    async def __aenter__(self) -> Self:
        if self.closed:
            raise ClientClosedError(_CLOSED)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all clients, each with its session if the client created it. You can call this more than once."""
        self._closed = True
        async with contextlib.AsyncExitStack() as stack:
            for client in self._clients.values():
                stack.push_async_callback(client.close)

    def threads(
        self, *, on_error: OnError = "continue", **parameters: Unpack[ThreadsParameters]
    ) -> FleetListing[FleetThread]:
        """Return the listing of the threads of all machines. Nothing is sent until you read the first thread.

        Args:
            on_error: What to do if a machine fails. ``"continue"`` reads the others to the end, and then raises
                `FleetError`. ``"stop"`` raises it immediately.
            parameters: The parameters of `ThreadsClient.threads`. They apply to each machine, except ``max_items``,
                which is the maximum number of threads of all machines together.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        listings = {name: client.threads(**parameters) for name, client in self._clients.items()}
        return self._listing(listings, FleetThread, on_error)

    def workspaces(
        self, *, on_error: OnError = "continue", **parameters: Unpack[WorkspacesParameters]
    ) -> FleetListing[FleetWorkspace]:
        """Return the listing of the workspaces of all machines, as `Fleet.threads` does for threads.

        Machines with the same account list the same workspaces.

        Args:
            on_error: As in `Fleet.threads`.
            parameters: The parameters of `ThreadsClient.workspaces`.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        listings = {name: client.workspaces(**parameters) for name, client in self._clients.items()}
        return self._listing(listings, FleetWorkspace, on_error)

    def browser_instances(
        self, *, on_error: OnError = "continue", **parameters: Unpack[BrowserInstancesParameters]
    ) -> FleetListing[FleetBrowserInstance]:
        """Return the listing of the running browsers of all machines, as `Fleet.threads` does for threads.

        Args:
            on_error: As in `Fleet.threads`.
            parameters: The parameters of `ThreadsClient.browser_instances`.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        listings = {name: client.browser_instances(**parameters) for name, client in self._clients.items()}
        return self._listing(listings, FleetBrowserInstance, on_error)

    def _listing(
        self, listings: Mapping[str, Listing[Any]], named: Callable[[str, Any], T], on_error: OnError
    ) -> FleetListing[T]:
        if on_error not in ("continue", "stop"):
            raise ConfigurationError("on_error must be 'continue' or 'stop'", parameter="on_error")
        listing = next(iter(listings.values()))
        return FleetListing(MachineListings(listing, listings, named, self._at_once, on_error))

    async def limits(self, workspace_id: int = -1) -> Mapping[str, Limits]:
        """Return the limits of each machine's licence, by the name of the machine.

        Machines with the same licence share one limit: each of them reports it, with all active threads.

        Args:
            workspace_id: The workspace, as in `ThreadsClient.limits`.

        Raises:
            FleetError: One or more machines failed. `FleetError.results` has the limits of the others.
            ClientClosedError: The fleet is closed, or belongs to another event loop.
            ConfigurationError: ``workspace_id`` is not a 64-bit integer.
        """
        check_int64("workspace_id", workspace_id)
        calls = {name: partial(client.limits, workspace_id) for name, client in self._clients.items()}
        return await call_each(calls, self._clients, self._at_once)

    async def stop_threads(self, threads: Iterable[FleetThread]) -> None:
        """Stop threads, and the browsers that run in them, on all machines at the same time.

        On each machine, `ThreadsClient.stop_threads` stops them.

        Args:
            threads: The threads, as the fleet listed them.

        Raises:
            FleetError: One or more machines failed. `RequestError.done` of their errors has the tokens of the threads
                that were stopped there nevertheless. On all other machines, all of ``threads`` were stopped.
            ClientClosedError: The fleet is closed, or belongs to another event loop.
            ConfigurationError: A machine is not in the fleet, or a thread has no token. Nothing was sent.
        """
        several = checked(by_machine(threads, self._clients))
        calls = {name: partial(self._clients[name].stop_threads, found) for name, found in several.items()}
        if self._closed:
            raise ClientClosedError(_CLOSED)
        await call_each(calls, self._clients, self._at_once)

    def watch(self, **parameters: Unpack[WatchParameters]) -> FleetWatch:
        """Return a live picture of the threads of each machine, which also reports what happens to them.

        Nothing is sent until you wait for the first event.

        Args:
            parameters: The parameters of `ThreadsClient.watch`, for each machine.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        return FleetWatch({name: client.watch(**parameters) for name, client in self._clients.items()})
