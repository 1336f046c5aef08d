"""The results of a run, as values and as JSON. Performs no I/O."""

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
        wall_s: Elapsed time in seconds.
        peak_kib: Peak memory of the process in KiB, including its imports.
        requests: How many requests for threads the server received per listing.
    """

    cpu_s: float
    wall_s: float
    peak_kib: int
    requests: float


@frozen
class Row:
    """One contestant.

    Attributes:
        name: The name of its module.
        title: A short description.
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
        """Median elapsed time in seconds."""
        return median(run.wall_s for run in self.runs)

    @property
    def peak_kib(self) -> float:
        """Median peak memory in KiB."""
        return median(run.peak_kib for run in self.runs)

    @property
    def requests(self) -> float:
        """Median number of requests per listing."""
        return median(run.requests for run in self.runs)


@frozen
class Series:
    """Repeated measurements of one thing, in one unit.

    Attributes:
        name: Its name in the code of the benchmark.
        title: What was measured.
        unit: The unit of the values.
        values: The measured values, one for each round.
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
        """The minimum of the values."""
        return min(self.values)


@frozen
class Results:
    """A complete run.

    Attributes:
        machine: A description of the machine.
        versions: The versions of Python and of all distributions that took part.
        threads: How many threads each contestant listed.
        total: The page size.
        rounds: How many times each contestant ran.
        checksum: The expected checksum of the tokens.
        rows: The contestants.
        series: All other measurements.
        allocator: The environment variables that set up the memory allocator of all processes.
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
        """Return the contestant with this name if it took part and counts."""
        return next((row for row in self.rows if row.name == name and row.fault is None and row.runs), None)

    def best(self, name: str) -> float | None:
        """Return the minimum of the series with this name, or None if it was not measured."""
        return next((one.best for one in self.series if one.name == name and one.values), None)

    def median(self, name: str) -> float | None:
        """Return the median of the series with this name, or None if it was not measured."""
        return next((one.median for one in self.series if one.name == name and one.values), None)


def to_json(results: Results) -> str:
    """Return `results` as JSON text."""
    return json.dumps(rounded(cattrs.unstructure(results)), indent=1) + "\n"


def from_json(text: str) -> Results:
    """Return the results that `to_json` wrote."""
    return cattrs.structure(json.loads(text), Results)


def rounded(value: Any) -> Any:
    """Return `value` with each number rounded to six digits, which is more than its precision."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value
