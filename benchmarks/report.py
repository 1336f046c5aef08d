"""The results of a run, as tables and charts. Performs no I/O."""

from collections.abc import Iterable, Sequence

from benchmarks.charts import Bar, bar_chart
from benchmarks.results import Results, Row
from benchmarks.targets import judge


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, aligned as plain text too: the first column to the left, the others to the right."""
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
    """Return the contestants that did not fail, the cheapest first."""
    return sorted((row for row in results.rows if row.fault is None and row.runs), key=lambda row: row.cpu_s)


def base_of(results: Results) -> Row | None:
    """Return the contestant with ratio 1: the loop by hand, or the cheapest if that did not take part."""
    return results.row("by_hand") or next(iter(ranked(results)), None)


def contest_table(results: Results) -> str:
    """Return the two tables of the contestants, the cheapest first, and after them the faults of those that failed.

    Two, because one does not fit a phone.
    """
    base = base_of(results)
    cpu = [
        [
            row.title,
            f"{row.cpu_s / results.threads * 1e6:.2f}",
            f"{row.cpu_s / base.cpu_s:.2f}",
            f"{row.best_cpu_s / base.best_cpu_s:.2f}",
        ]
        for row in ranked(results)
        if base is not None
    ]
    others = [
        [
            row.title,
            f"{row.wall_s / results.threads * 1e6:.2f}",
            f"{row.wall_s / base.wall_s:.2f}",
            f"{row.peak_kib * 1024 / 1e6:.0f}",
            f"{row.requests:g}",
        ]
        for row in ranked(results)
        if base is not None
    ]
    text = "\n".join(
        [
            table(["contestant", "CPU, µs per thread", "ratio", "best ratio"], cpu),
            table(["contestant", "time, µs per thread", "ratio", "peak MB", "requests"], others),
        ]
    )
    failed = [f"{row.title} does not count: {row.fault}" for row in results.rows if row.fault is not None]
    return "\n".join([text, *failed, ""]) if failed else text


def series_table(results: Results) -> str:
    """Return the table of all other measurements."""
    rows = [
        [one.title, f"{one.median:.3g} {one.unit}", f"{min(one.values):.3g} to {max(one.values):.3g} {one.unit}"]
        for one in results.series
        if one.values
    ]
    return table(["measurement", "median", "range"], rows)


def target_table(results: Results) -> str:
    """Return the table of the targets, and whether the run met them."""
    rows = [[target.claim, target.found, "yes" if target.met else "**no**"] for target in judge(results)]
    return table(["target", "measured", "met"], rows)


def extent(results: Results) -> str:
    """Return how much was listed, and how often, as text."""
    return f"{results.threads:,} threads in pages of {results.total:,}, {_rounds(results)}"


def memory(results: Results) -> str:
    """Return the settings of the memory allocator as text, or an empty text if there are none."""
    given = ", ".join(f"{name}={value}" for name, value in results.allocator.items())
    return f" All processes have the same allocator settings: {given}." if given else ""


def setting(results: Results) -> str:
    """Return what ran, and on which machine and versions, as text."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return f"{extent(results)}. {results.machine}. {versions}.{memory(results)}\n"


def page(results: Results) -> str:
    """Return the part of the documentation that shows the results."""
    parts = [setting(results), contest_table(results)]
    if results.series:
        parts += [target_table(results), series_table(results)]
    return "\n".join(parts)


def charts(results: Results) -> dict[str, str]:
    """Return the charts by the names of their files."""
    rows = ranked(results)
    note = f"{extent(results)}.{_range(results)}"
    if results.allocator:
        note += " All processes have the same allocator settings."
    drawn = {
        "benchmark-cpu.svg": bar_chart(
            "CPU time per thread listed",
            f"{note} Less is better.",
            [_bar(row, row.cpu_s, [run.cpu_s for run in row.runs], 1e6 / results.threads, "{:.2f} µs") for row in rows],
        ),
        "benchmark-memory.svg": bar_chart(
            "Peak memory of the process",
            f"{note} Imports are included. Less is better.",
            [
                _bar(row, row.peak_kib, [run.peak_kib for run in row.runs], 1024 / 1e6, "{:.0f} MB")
                for row in sorted(rows, key=lambda row: row.peak_kib)
            ],
        ),
    }
    growth = [one for one in results.series if one.name.startswith("growth_cpu_") and one.values]
    if growth:
        drawn["benchmark-growth.svg"] = bar_chart(
            "CPU time per thread as the list grows",
            f"This library by page, pages of 1,000, {_rounds(results)}.{_range(results)} Flat is better.",
            [
                Bar(
                    label=one.title.partition(", ")[2],
                    value=one.median,
                    low=min(one.values),
                    high=max(one.values),
                    text=f"{one.median:.2f} {one.unit}",
                    is_ours=True,
                )
                for one in growth
            ],
        )
    return drawn


def _rounds(results: Results) -> str:
    return "one round" if results.rounds == 1 else f"median of {results.rounds} rounds"


def _range(results: Results) -> str:
    return "" if results.rounds == 1 else " The line on each bar spans the lowest to the highest round."


def _bar(row: Row, value: float, values: Sequence[float], scale: float, form: str) -> Bar:
    return Bar(
        label=row.title,
        value=scale * value,
        low=scale * min(values),
        high=scale * max(values),
        text=form.format(scale * value),
        is_ours=row.is_ours,
    )
