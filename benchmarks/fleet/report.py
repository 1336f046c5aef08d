"""The results of a run, as tables, sentences and charts. Performs no I/O."""

from collections.abc import Sequence
from typing import Final

from benchmarks.charts import Bar, bar_chart
from benchmarks.fleet.machines import INTERVAL, SOCKETS
from benchmarks.fleet.results import Cost, FleetResults, Listed, Watched
from benchmarks.report import table

_BASE: Final = "json"


def listed(results: FleetResults) -> list[list[Listed]]:
    """Return the contestants that count, as groups that list the same and have the same ``at_once``."""
    groups: dict[tuple[int, int, int], list[Listed]] = {}
    for row in results.listed:
        if row.fault is None and row.runs:
            groups.setdefault((row.machines, row.threads, row.at_once), []).append(row)
    return list(groups.values())


def watched(results: FleetResults, *, is_moving: bool) -> list[tuple[Watched, Cost]]:
    """Return the watches that count, of lists that change or of others."""
    return [
        (one, one.cost)
        for one in results.watched
        if one.is_moving == is_moving and one.fault is None and one.cost is not None and not one.is_starved
    ]


def size_of(row: Listed) -> str:
    """Return what a contestant lists, as text."""
    return f"{row.machines:,} machines of {row.threads:,} threads, at_once={row.at_once}"


def listing_tables(rows: Sequence[Listed]) -> str:
    """Return the two tables of contestants that list the same. Two, because one does not fit a phone."""
    base = next((row for row in rows if row.name == _BASE), rows[0])
    size = size_of(rows[0])
    times = [[row.title, f"{row.wall_s:.2f}", f"{row.ratio(base):.2f}", f"{row.cpu_s:.2f}"] for row in rows]
    others = [[row.title, f"{row.grown_mb:.0f}", f"{row.sockets}", _percent(row.server_share)] for row in rows]
    return "\n".join(
        [
            f"{size}:\n",
            table(["contestant", "time, s", "ratio", "CPU, s"], times),
            table(["contestant", "memory, MB", "sockets", "server"], others),
        ]
    )


def watch_tables(results: FleetResults) -> str:
    """Return the two tables of the watches."""
    rows = [both for is_moving in (False, True) for both in watched(results, is_moving=is_moving)]
    costs = [
        [one.title, _percent(cost.share), f"{cost.us_per_request:.0f}", f"{one.pause_s:.2f}"] for one, cost in rows
    ]
    others = [
        [
            one.title,
            f"{one.events / cost.wall_s:,.0f}",
            f"{cost.grown_kib * 1024 / 1e6:.0f}",
            f"{cost.sockets}",
            _percent(cost.server_share),
        ]
        for one, cost in rows
    ]
    return "\n".join(
        [
            table(["machines", "share of a core", "CPU per look, µs", "seconds between looks"], costs),
            table(["machines", "events per second", "memory, MB", "sockets", "server"], others),
        ]
    )


def limit(results: FleetResults) -> str:
    """Return where one process ends, as text, or an empty text if that was not measured."""
    quiet = watched(results, is_moving=False)
    text = ""
    for one, cost in [(one, cost) for one, cost in quiet if not one.is_full][-1:]:
        text += (
            f"With {one.machines:,} machines of {one.threads:,} threads, a look took {cost.us_per_request:.0f} µs of "
            f"CPU. At this cost, a core has time for {1e6 / cost.us_per_request:,.0f} looks a second. That is "
            "where one process ends.\n"
        )
    for one, cost in [(one, cost) for one, cost in quiet if one.is_full][:1]:
        text += (
            f"With {one.machines:,} machines, the core was fully used. The watch took "
            f"{cost.requests / cost.wall_s:,.0f} looks a second: it looked at each machine every {one.pause_s:.1f} s "
            f"instead of every {INTERVAL:g} s.\n"
        )
    return text


def setting(results: FleetResults) -> str:
    """Return what ran, and on which machine and versions, as text."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    given = ", ".join(f"{name}={value}" for name, value in results.allocator.items())
    seconds = max((one.cost.wall_s for one in results.watched if one.cost is not None), default=0)
    return (
        f"Each response after {results.latency_ms} ms. Listings: {_rounds(results)}. Watches: interval={INTERVAL:g}, "
        f"{seconds:.0f} s each, a session of {SOCKETS} connections. {results.machine}. {versions}. All processes have "
        f"the same allocator settings: {given}.\n"
    )


def page(results: FleetResults) -> str:
    """Return the part of the documentation that shows the results."""
    parts = [setting(results), *map(listing_tables, listed(results))]
    if results.watched:
        parts += ["Watches:\n", watch_tables(results), limit(results)]
    busy = [
        f"The watch of {one.title} does not count: the machine was busy with other work.\n"
        for one in results.watched
        if one.is_starved
    ]
    return "\n".join([*parts, *busy, *(f"{fault}\n" for fault in results.faults)])


def charts(results: FleetResults) -> dict[str, str]:
    """Return the charts by the names of their files."""
    drawn = {}
    groups = listed(results)
    if groups:
        rows = groups[0]
        line = "" if results.rounds == 1 else " The line on each bar spans the lowest to the highest round."
        drawn["fleet-time.svg"] = bar_chart(
            f"Time to list {rows[0].machines:,} machines",
            f"{size_of(rows[0])}, {results.latency_ms} ms, {_rounds(results)}.{line} Less is better.",
            [
                Bar(
                    label=row.title,
                    value=row.wall_s,
                    low=min(run.wall_s for run in row.runs),
                    high=max(run.wall_s for run in row.runs),
                    text=f"{row.wall_s:.2f} s",
                    is_ours=row.is_ours,
                )
                for row in rows
            ],
        )
    quiet = watched(results, is_moving=False)
    if quiet:
        shares = [(one, cost.share) for one, cost in quiet]
        drawn["fleet-watch.svg"] = bar_chart(
            "One core, watching all machines once a second",
            f"Share of the core, machines of {quiet[0][0].threads:,} threads that do not change. Less is better.",
            [
                Bar(
                    label=f"{one.machines:,} machines",
                    value=share,
                    low=share,
                    high=share,
                    text=_percent(share),
                    is_ours=True,
                )
                for one, share in shares
            ],
        )
    return drawn


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _rounds(results: FleetResults) -> str:
    return "one round" if results.rounds == 1 else f"median of {results.rounds} rounds"
