"""The errors of a fleet and of Dask workers: which machines failed, and why. Performs no I/O."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Self

from threads_async.errors import ClientClosedError, ThreadsError

_NAMED: Final = 3
"""Number of machines whose errors are in the text."""


class WorkerError(ThreadsError):
    """A Dask worker was lost, is not there, or cannot run tasks of this package.

    Attributes:
        worker: The name of the worker. Empty if the error concerns the whole cluster.
        unknown: Whether a function was sent to the worker and may have run there, completely, in part, or not at all.
    """

    def __init__(self, message: str, *, worker: str = "", unknown: bool = False) -> None:
        super().__init__(message)
        self.worker = worker
        self.unknown = unknown


class FleetError(ThreadsError, ExceptionGroup[Exception]):
    """One or more machines of a fleet failed. By default, the others were read to the end before this is raised.

    It is an exception group: ``except* UnauthorizedError`` catches the machines with a wrong token. Catch the group
    itself with ``except FleetError``; Python does not allow ``except* FleetError``.

    Attributes:
        failures: The error of each machine that failed, by the name of the machine.
        results: What the call returned for each machine that succeeded, by its name. Empty for an iterator, which has
            returned its items before.
    """

    def __new__(
        cls, message: str, failures: Mapping[str, ThreadsError], results: Mapping[str, Any] = MappingProxyType({})
    ) -> Self:
        """Create the group."""
        del results
        return super().__new__(cls, message, list(failures.values()))

    def __init__(
        self,
        message: str,  # noqa: ARG002 - `ExceptionGroup.__new__` has already set `message`
        failures: Mapping[str, ThreadsError],
        results: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.failures: Mapping[str, ThreadsError] = MappingProxyType(dict(failures))
        self.results: Mapping[str, Any] = MappingProxyType(dict(results))

    def __str__(self) -> str:
        named = [f"{name}: {error}" for name, error in list(self.failures.items())[:_NAMED]]
        if len(self.failures) > len(named):
            named.append(f"and {len(self.failures) - len(named)} more")
        return f"{self.message}: {'; '.join(named)}"

    def __repr__(self) -> str:
        # Results can be long, and may be secret.
        return f"{type(self).__name__}({self.message!r}, failures={dict(self.failures)!r})"

    # The method of the group is overloaded for exceptions that are no `Exception`, which are not here.
    def derive(self, excs: Sequence[Exception]) -> ExceptionGroup[Exception]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the group of some of the errors, as ``except*`` needs it."""
        failures = {name: error for name, error in self.failures.items() if any(error is one for one in excs)}
        if len(failures) != len(excs):
            # The caller has put other errors there.
            return ExceptionGroup(self.message, excs)
        return FleetError(self.message, failures, self.results)

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled. The rest of `vars` is what somebody has added, such as notes.
        added = {name: value for name, value in vars(self).items() if name not in ("failures", "results")}
        return type(self), (self.message, dict(self.failures), dict(self.results)), added


def fleet_error(
    failures: Mapping[str, ThreadsError], machines: Collection[str], results: Mapping[str, Any] = MappingProxyType({})
) -> ThreadsError:
    """Return the error for `failures`, of which there is at least one, in the order of `machines`.

    If all machines failed because their clients are closed, that is not a `FleetError`.
    """
    if len(failures) == len(machines) and all(isinstance(error, ClientClosedError) for error in failures.values()):
        return ClientClosedError("the clients of the fleet are closed, or belong to another event loop")
    of = f"{len(machines)} machine{'' if len(machines) == 1 else 's'}"
    ordered = {name: failures[name] for name in machines if name in failures}
    return FleetError(f"{len(failures)} of {of} failed", ordered, results)
