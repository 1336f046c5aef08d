"""What a run found, as tables and charts. Performs no I/O."""

from collections.abc import Iterable, Sequence

from benchmarks.charts import Bar, bar_chart
from benchmarks.results import Results, Row
from benchmarks.targets import judge


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns but the first are aligned to the right, also as plain text."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        first, *others = (
            text.ljust(width) if number == 0 else text.rjust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = [f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])]) + "\n"


def ranked(results: Results) -> list[Row]:
    """Return the contestants that count, the cheapest first."""
    return sorted((row for row in results.rows if row.fault is None and row.runs), key=lambda row: row.cpu_s)


def base_of(results: Results) -> Row | None:
    """Return the contestant that ratios are to: the loop by hand, or the cheapest where that did not take part."""
    return results.row("by_hand") or next(iter(ranked(results)), None)


def contest_table(results: Results) -> str:
    """Return the table of the contestants, the cheapest first, and those that failed with what is wrong."""
    base = base_of(results)
    lines = [
        [
            row.title,
            f"{row.cpu_s / results.threads * 1e6:.2f}",
            f"{row.cpu_s / base.cpu_s:.2f}",
            f"{row.best_cpu_s / results.threads * 1e6:.2f}",
            f"{row.best_cpu_s / base.best_cpu_s:.2f}",
            f"{row.wall_s / results.threads * 1e6:.2f}",
            f"{row.wall_s / base.wall_s:.2f}",
            f"{row.peak_kib * 1024 / 1e6:.0f}",
            f"{row.requests:g}",
        ]
        for row in ranked(results)
        if base is not None
    ]
    head = [
        "who lists",
        "CPU, µs a thread",
        "ratio",
        "best round",
        "ratio",
        "time, µs a thread",
        "ratio",
        "peak memory, MB",
        "requests",
    ]
    text = table(head, lines)
    failed = [f"{row.title} does not count: {row.fault}" for row in results.rows if row.fault is not None]
    return "\n".join([text, *failed, ""]) if failed else text


def series_table(results: Results) -> str:
    """Return the table of all else that was measured."""
    rows = [
        [one.title, f"{one.median:.3g} {one.unit}", f"{min(one.values):.3g} to {max(one.values):.3g} {one.unit}"]
        for one in results.series
        if one.values
    ]
    return table(["what", "median", "from … to"], rows)


def target_table(results: Results) -> str:
    """Return the table of what is promised and whether it was kept."""
    rows = [[target.claim, target.found, "yes" if target.met else "**no**"] for target in judge(results)]
    return table(["promise", "found", "kept"], rows)


def extent(results: Results) -> str:
    """Return in words how much was listed."""
    rounds = "one round" if results.rounds == 1 else f"median of {results.rounds} rounds"
    return f"{results.threads:,} threads in pages of {results.total:,}, {rounds}"


def memory(results: Results) -> str:
    """Return in words how the memory allocator was set up, or nothing if it was left alone."""
    given = ", ".join(f"{name}={value}" for name, value in results.allocator.items())
    return f" The same allocator settings for every process: {given}." if given else ""


def setting(results: Results) -> str:
    """Return in words what ran on what."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return f"{extent(results)}. {results.machine}. {versions}.{memory(results)}\n"


def page(results: Results) -> str:
    """Return the part of the documentation that shows the run."""
    parts = [setting(results), contest_table(results)]
    if results.series:
        parts += [target_table(results), series_table(results)]
    return "\n".join(parts)


def charts(results: Results) -> dict[str, str]:
    """Return the charts by the names of their files."""
    rows = ranked(results)
    same = ", same allocator settings for all" if results.allocator else ""
    note = f"{extent(results)}{same}; less is better"
    drawn = {
        "benchmark-cpu.svg": bar_chart(
            "Processor time for each thread listed",
            note,
            [_bar(row, row.cpu_s / results.threads * 1e6, "{:.2f} µs") for row in rows],
        ),
        "benchmark-memory.svg": bar_chart(
            "Most memory of the process, its imports among it",
            note,
            [_bar(row, row.peak_kib * 1024 / 1e6, "{:.0f} MB") for row in sorted(rows, key=lambda row: row.peak_kib)],
        ),
    }
    growth = [one for one in results.series if one.name.startswith("growth_cpu_")]
    if growth:
        bars = [Bar(one.title.partition(", ")[2], one.median, f"{one.median:.2f} µs", is_ours=True) for one in growth]
        said = f"this library by page, pages of 1,000, median of {results.rounds} rounds; flat is better"
        drawn["benchmark-growth.svg"] = bar_chart("Processor time for each thread, as the list grows", said, bars)
    return drawn


def _bar(row: Row, value: float, form: str) -> Bar:
    return Bar(row.title, value, form.format(value), is_ours=row.is_ours)
