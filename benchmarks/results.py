"""What a run found, as values, and to and from JSON. Performs no I/O."""

import json
from statistics import median
from typing import Any

import cattrs
from attrs import field, frozen


@frozen
class Run:
    """One process of one contestant.

    Attributes:
        cpu_s: Processor time in seconds.
        wall_s: Time by the clock on the wall in seconds.
        peak_kib: The most memory of the process in KiB, its imports among it.
        requests: How many requests for threads the server saw, for each listing.
    """

    cpu_s: float
    wall_s: float
    peak_kib: int
    requests: float


@frozen
class Row:
    """One contestant.

    Attributes:
        name: Its module.
        title: What it is.
        is_ours: Whether it is this library.
        runs: Its runs, or none if it failed.
        fault: Why it does not count, or None.
    """

    name: str
    title: str
    is_ours: bool
    runs: tuple[Run, ...]
    fault: str | None = None

    @property
    def cpu_s(self) -> float:
        """Median processor time in seconds."""
        return median(run.cpu_s for run in self.runs)

    @property
    def best_cpu_s(self) -> float:
        """Processor time of the best round in seconds."""
        return min(run.cpu_s for run in self.runs)

    @property
    def wall_s(self) -> float:
        """Median time by the clock on the wall in seconds."""
        return median(run.wall_s for run in self.runs)

    @property
    def peak_kib(self) -> float:
        """Median of the most memory in KiB."""
        return median(run.peak_kib for run in self.runs)

    @property
    def requests(self) -> float:
        """Median number of requests for a listing."""
        return median(run.requests for run in self.runs)


@frozen
class Series:
    """Repeated measurements of one thing, in one unit.

    Attributes:
        name: What it is called in the code of the benchmark.
        title: What was measured.
        unit: The unit of the values.
        values: What was measured, once a round.
    """

    name: str
    title: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the values."""
        return median(self.values)

    @property
    def best(self) -> float:
        """The least of the values."""
        return min(self.values)


@frozen
class Results:
    """A whole run.

    Attributes:
        machine: What it ran on, in words.
        versions: The versions of Python and of all that took part.
        threads: How many threads each contestant listed.
        total: The page size.
        rounds: How many times each contestant ran.
        checksum: What the tokens must sum up to.
        rows: The contestants.
        series: All else, by name.
        allocator: The environment variables with which all processes set up their memory allocator.
    """

    machine: str
    versions: dict[str, str]
    threads: int
    total: int
    rounds: int
    checksum: str
    rows: tuple[Row, ...]
    series: tuple[Series, ...] = ()
    allocator: dict[str, str] = field(factory=dict)

    def row(self, name: str) -> Row | None:
        """Return the contestant of this name if it took part and counts."""
        return next((row for row in self.rows if row.name == name and row.fault is None and row.runs), None)

    def best(self, name: str) -> float | None:
        """Return the least value of the series of this name, or None if it was not measured."""
        return next((one.best for one in self.series if one.name == name and one.values), None)

    def median(self, name: str) -> float | None:
        """Return the median of the series of this name, or None if it was not measured."""
        return next((one.median for one in self.series if one.name == name and one.values), None)


def to_json(results: Results) -> str:
    """Return `results` as JSON text."""
    return json.dumps(_rounded(cattrs.unstructure(results)), indent=1) + "\n"


def from_json(text: str) -> Results:
    """Return the results that `to_json` wrote."""
    return cattrs.structure(json.loads(text), Results)


def _rounded(value: Any) -> Any:
    """Return `value` with six digits of each number, which is more than any of them is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
