"""Runs all measurements, interleaved, and collects the results."""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias, TypeVar

from attrs import frozen

from benchmarks.contestants import Contestant
from benchmarks.pages import Expected, expect, prepare
from benchmarks.processes import ALLOCATOR, API_TOKEN, BrokenError, Server, report_of, run, server
from benchmarks.results import Results, Row, Run, Series
from benchmarks.scale import LATENCY_MS, PAGES, SMALL_PAGE

T = TypeVar("T")
Say: TypeAlias = Callable[[str], None]

_SHARED: Final = ("threads-async", "cattrs", "yarl", "multidict", "tenacity", "pyperf")
_CLOCK: Final = "import time; began = time.perf_counter(); import {}; print((time.perf_counter() - began) * 1e3)"
_GROWTH: Final = (1_000, 10_000, 100_000, 1_000_000)
_BLOCKS: Final = (
    ("block", 1_000, ""),
    ("frozen", 1_000, ", after gc.freeze()"),
    ("hand", 1_000, ", by hand"),
    ("block", 100_000, ""),
    ("hand", 100_000, ", by hand"),
)
_PREFETCH: Final = (0, 8, 16)
_SMALL: Final = {
    "bare": "aiohttp + msgspec",
    "page": "this library, fetch_page",
    "first": "this library, first()",
    "httpx": "httpx",
}
_MICRO: Final = {
    "decode_ours": "decode a page of 1,000: this library, checked",
    "decode_by_hand": "decode a page of 1,000: msgspec and attrs by hand, unchecked",
    "decode_dicts": "decode a page of 1,000: msgspec, dicts",
    "walk_page": "the plain walk only, per page",
    "walk_consistent_page": "the consistent walk only, per page",
    "iterate_item": "the iterator only, per thread",
}


@frozen
class Plan:
    """What to run.

    Attributes:
        contestants: The contestants that take part.
        threads: How many threads each of them lists.
        total: The page size.
        rounds: How many times everything runs.
        everything: Whether to measure scale, parts and start as well, and not only the contestants.
    """

    contestants: tuple[Contestant, ...]
    threads: int = 200_000
    total: int = 1000
    rounds: int = 7
    everything: bool = True


def carry_out(plan: Plan, say: Say) -> Results:
    """Run `plan` and return the results.

    Args:
        plan: What to run.
        say: Called with a line before each step, to show the progress.
    """
    expected = expect(prepare(plan.threads), plan.threads)
    series: list[Series] = []
    with server(plan.threads, plan.total) as running:
        rows = _contest(plan, running, expected, say)
        if plan.everything:
            series += _scale(plan.rounds, running, say)
            series += _small(plan.rounds, running, say)
    if plan.everything:
        series += _start(3 * plan.rounds, say)
        series += _micro(plan.rounds, say)
    return Results(
        machine=machine(),
        versions=versions(plan.contestants),
        threads=plan.threads,
        total=plan.total,
        rounds=plan.rounds,
        checksum=expected.checksum,
        rows=rows,
        series=tuple(series),
        allocator=ALLOCATOR,
    )


def fault_of(measured: dict[str, Any], expected: Expected) -> str | None:
    """Return what is wrong with the threads that a contestant delivered, or None."""
    for name in ("count", "characters", "checksum"):
        wanted = getattr(expected, name)
        if measured[name] != wanted:
            return f"{name} is {measured[name]} instead of {wanted}"
    return None


def _contest(plan: Plan, running: Server, expected: Expected, say: Say) -> tuple[Row, ...]:
    runs: dict[str, list[Run]] = {one.name: [] for one in plan.contestants}
    faults: dict[str, str] = {}
    for number in range(plan.rounds):
        # Each round begins with a different contestant, so that none is always the first after a pause.
        for one in rotated(plan.contestants, number):
            if one.name in faults:
                continue
            say(f"round {number + 1} of {plan.rounds}: {one.title}")
            try:
                before = running.requests()
                measured = report_of(
                    f"benchmarks.contestants.{one.name}", running.url, API_TOKEN, str(plan.threads), str(plan.total)
                )
                # A contestant lists all threads twice: once with the clock, and once for the checksum.
                requests = (running.requests() - before) / 2
                fault = fault_of(measured, expected)
            except BrokenError as error:
                fault = str(error)
            if fault is not None:
                faults[one.name] = fault
                continue
            runs[one.name].append(Run(measured["cpu_s"], measured["wall_s"], measured["peak_kib"], requests))
    return tuple(
        Row(one.name, one.title, one.is_ours, tuple(runs[one.name]), faults.get(one.name)) for one in plan.contestants
    )


def rotated(contestants: Sequence[T], number: int) -> tuple[T, ...]:
    """Return `contestants` rotated, so that each `number` begins with a different one."""
    first = number % len(contestants) if contestants else 0
    return (*contestants[first:], *contestants[:first])


def _scale(rounds: int, running: Server, say: Say) -> Iterable[Series]:
    found: dict[tuple[str, str, str], list[float]] = {}

    def add(name: str, title: str, unit: str, value: float) -> None:
        found.setdefault((name, title, unit), []).append(value)

    for number in range(rounds):
        say(f"scale, round {number + 1} of {rounds}")
        for threads in _GROWTH:
            measured = report_of("benchmarks.scale", running.url, API_TOKEN, "growth", str(threads))
            add(f"growth_cpu_{threads}", f"CPU per thread, list of {threads:,}", "µs", measured["cpu_us"])
            add(f"growth_peak_{threads}", f"peak memory, list of {threads:,}", "MB", measured["peak_kib"] * 1024 / 1e6)
        for kind, total, title in _BLOCKS:
            measured = report_of("benchmarks.scale", running.url, API_TOKEN, kind, str(total))
            whole = f"longest event-loop pause, pages of {total:,}{title}"
            add(f"{kind}_{total}", whole, "ms", measured["wall_s"] * 1e3)
            add(f"{kind}_cpu_{total}", f"{whole}, CPU", "ms", measured["cpu_s"] * 1e3)
        for ahead in _PREFETCH:
            measured = report_of("benchmarks.scale", running.url, API_TOKEN, "prefetch", str(ahead))
            title = f"{PAGES} pages of {SMALL_PAGE} that take {LATENCY_MS} ms each, prefetch={ahead}"
            add(f"prefetch_{ahead}", title, "s", measured["wall_s"])
    return [Series(*key, tuple(values)) for key, values in found.items()]


def _small(rounds: int, running: Server, say: Say) -> Iterable[Series]:
    """Measure the cost of a small request."""
    found: dict[str, list[float]] = {name: [] for name in _SMALL}
    for number in range(rounds):
        say(f"small requests, round {number + 1} of {rounds}")
        for name, values in found.items():
            values.append(report_of("benchmarks.small", running.url, API_TOKEN, name)["cpu_us"])
    return [
        Series(f"small_{name}", f"CPU per request for one thread, {title}", "µs", tuple(found[name]))
        for name, title in _SMALL.items()
    ]


def _start(rounds: int, say: Say) -> Iterable[Series]:
    """Measure the time to start."""
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        say(f"start, round {number} of {rounds}")
        once = {
            ("import_ours", "import threads_async"): float(run("-c", _CLOCK.format("threads_async"))),
            ("import_needed", "import aiohttp, attrs, cattrs, msgspec"): float(
                run("-c", _CLOCK.format("aiohttp, attrs, cattrs, msgspec"))
            ),
            ("help", "threads-async --help, whole process"): _milliseconds("-m", "threads_async", "--help"),
            ("python_aiohttp", "python -c 'import aiohttp', whole process"): _milliseconds("-c", "import aiohttp"),
        }
        if number:  # Round 0 fills the caches.
            for key, value in once.items():
                found.setdefault(key, []).append(value)
    return [Series(*key, "ms", tuple(values)) for key, values in found.items()]


def _milliseconds(*arguments: str) -> float:
    began = time.perf_counter()
    run(*arguments)
    return (time.perf_counter() - began) * 1e3


def _micro(rounds: int, say: Say) -> Iterable[Series]:
    """Time the parts, each round in separate processes."""
    import pyperf  # noqa: PLC0415 - only here, so that the contestants can run without it

    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            say(f"parts, round {number + 1} of {rounds}")
            path = Path(folder) / f"{number}.json"
            # Without --copy-env, pyperf's workers would not get the allocator settings.
            options = ("--processes=1", "--values=5", "--warmups=1", "--quiet", "--copy-env", f"--output={path}")
            run("-m", "benchmarks.micro", *options)
            for bench in pyperf.BenchmarkSuite.load(str(path)).get_benchmarks():
                found.setdefault(bench.get_name(), []).append(median(bench.get_values()) * 1e6)
    return [Series(name, _MICRO[name], "µs", tuple(values)) for name, values in found.items()]


def machine() -> str:
    """Return a description of this machine that names neither it nor its owner."""
    model = platform.machine()
    memory = ""
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = f"{names[0]}, {model}" if names else model
    if meminfo.exists():
        memory = f", {int(meminfo.read_text().split()[1]) / 2**20:.0f} GiB of memory"
    return f"{os.cpu_count()} processors ({model}){memory}, {platform.system()}"


def versions(contestants: Iterable[Contestant]) -> dict[str, str]:
    """Return the versions of Python and of the installed distributions that take part."""
    found = {platform.python_implementation(): platform.python_version()}
    for name in sorted({*_SHARED, *(name for one in contestants for name in one.distributions)}):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
