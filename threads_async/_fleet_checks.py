"""Check the arguments of a fleet. Performs no I/O."""

from collections.abc import Container, Iterable
from typing import cast

from threads_async._fleet_values import FleetThread
from threads_async._targets import targets_of
from threads_async.errors import ConfigurationError
from threads_async.models import ExecutionThread


def is_name(name: object) -> bool:
    """Return whether `name` can be the name of a machine."""
    return isinstance(name, str) and name.strip() != "" and name.isprintable()


def by_machine(threads: object, machines: Container[str]) -> dict[str, list[ExecutionThread]] | ConfigurationError:
    """Return `threads` by their machines, or an error if one of them cannot be stopped or is not on one of `machines`.

    The error is returned, not raised, for the same reason as in `target_of`.
    """
    several = tuple(cast("Iterable[object]", threads)) if isinstance(threads, Iterable) else (None,)
    found_on: dict[str, list[ExecutionThread]] = {}
    for found in several:
        if not isinstance(found, FleetThread):
            return ConfigurationError("threads must be a collection of FleetThread", parameter="threads")
        if found.machine not in machines:
            return ConfigurationError(f"the fleet has no machine {found.machine!r}", parameter="threads")
        found_on.setdefault(found.machine, []).append(found.thread)
    for on_machine in found_on.values():
        targets = targets_of(on_machine, None)
        if isinstance(targets, ConfigurationError):
            return targets
    return found_on
