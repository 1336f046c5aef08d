"""The results of a run, as values and as JSON. Performs no I/O."""

import json
from statistics import median
from typing import Final

import cattrs
from attrs import field, frozen

from benchmarks.fleet.machines import INTERVAL
from benchmarks.results import rounded

FULL: Final = 0.9
"""The share of a core from which on it counts as fully used."""
LATE: Final = 1.25
"""From how many intervals between two looks at a machine on its looks are late."""


@frozen(kw_only=True)
class Cost:
    """The measurements of a process.

    Attributes:
        wall_s: Elapsed time in seconds.
        cpu_s: Processor time in seconds.
        grown_kib: By how much the peak memory of the process grew, in KiB.
        requests: How many requests the server received.
        sockets: Maximum number of connections that were open at the same time.
        server_cpu_s: Processor time of the server in seconds.
    """

    wall_s: float
    cpu_s: float
    grown_kib: int
    requests: int
    sockets: int
    server_cpu_s: float

    @property
    def share(self) -> float:
        """The share of a core that the process used."""
        return self.cpu_s / self.wall_s

    @property
    def server_share(self) -> float:
        """The share of a core that the server used."""
        return self.server_cpu_s / self.wall_s

    @property
    def us_per_request(self) -> float:
        """Processor time of a request in µs."""
        return self.cpu_s / self.requests * 1e6


@frozen(kw_only=True)
class Listed:
    """A contestant that lists all machines.

    Attributes:
        name: Its name in the code of the benchmark.
        title: A short description.
        is_ours: Whether it is this library.
        machines: How many machines there are.
        threads: How many threads each of them has.
        at_once: Maximum number of machines that are read at the same time.
        runs: Its runs, or none if it failed.
        fault: Why it does not count, or None.
    """

    name: str
    title: str
    is_ours: bool
    machines: int
    threads: int
    at_once: int
    runs: tuple[Cost, ...]
    fault: str | None = None

    @property
    def wall_s(self) -> float:
        """Median elapsed time in seconds."""
        return median(run.wall_s for run in self.runs)

    @property
    def cpu_s(self) -> float:
        """Median processor time in seconds."""
        return median(run.cpu_s for run in self.runs)

    @property
    def grown_mb(self) -> float:
        """Median growth of the peak memory in MB."""
        return median(run.grown_kib for run in self.runs) * 1024 / 1e6

    @property
    def sockets(self) -> int:
        """Maximum number of connections in all runs."""
        return max(run.sockets for run in self.runs)

    @property
    def server_share(self) -> float:
        """Median share of a core that the server used."""
        return median(run.server_share for run in self.runs)

    def ratio(self, base: "Listed") -> float:
        """Return the median ratio of the time of a run to that of the run of `base` in the same round."""
        return median(mine.wall_s / its.wall_s for mine, its in zip(self.runs, base.runs, strict=True))


@frozen(kw_only=True)
class Watched:
    """A watch of all machines.

    Attributes:
        machines: How many machines there are.
        threads: How many threads each of them has.
        is_moving: Whether a thread stops and another one starts before each look.
        cost: The measurements, or None if it failed.
        events: How many events it delivered.
        fault: Why it does not count, or None.
    """

    machines: int
    threads: int
    is_moving: bool
    cost: Cost | None = None
    events: int = 0
    fault: str | None = None

    @property
    def title(self) -> str:
        """The number of machines, and whether their lists change."""
        return f"{self.machines:,}{', changing' if self.is_moving else ''}"

    @property
    def pause_s(self) -> float:
        """The mean time from one look at a machine to the next, in seconds, or 0 if it failed."""
        return 0.0 if self.cost is None else self.machines * self.cost.wall_s / self.cost.requests

    @property
    def is_full(self) -> bool:
        """Whether its looks were late because it used all of a core."""
        return self.cost is not None and self.pause_s > LATE * INTERVAL and self.cost.share >= FULL

    @property
    def is_starved(self) -> bool:
        """Whether its looks were late although it did not use all of a core: the machine was busy with other work."""
        return self.pause_s > LATE * INTERVAL and not self.is_full


@frozen(kw_only=True)
class FleetResults:
    """A complete run.

    Attributes:
        machine: A description of the machine.
        versions: The versions of Python and of all distributions that took part.
        latency_ms: The pause of the server before each response, in milliseconds.
        rounds: How many times each contestant ran.
        listed: The listings.
        watched: The watches.
        allocator: The environment variables that set up the memory allocator of all processes.
    """

    machine: str
    versions: dict[str, str]
    latency_ms: int
    rounds: int
    listed: tuple[Listed, ...]
    watched: tuple[Watched, ...]
    allocator: dict[str, str] = field(factory=dict)

    @property
    def faults(self) -> list[str]:
        """What is wrong with the contestants that do not count."""
        listed = [f"{one.title} does not count: {one.fault}" for one in self.listed if one.fault is not None]
        watched = [
            f"the watch of {one.title} does not count: {one.fault}" for one in self.watched if one.fault is not None
        ]
        return listed + watched


def to_json(results: FleetResults) -> str:
    """Return `results` as JSON text."""
    return json.dumps(rounded(cattrs.unstructure(results)), indent=1) + "\n"


def from_json(text: str) -> FleetResults:
    """Return the results that `to_json` wrote."""
    return cattrs.structure(json.loads(text), FleetResults)
