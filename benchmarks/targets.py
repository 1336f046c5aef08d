"""The targets for the cost of this library, and whether a run has met them. Performs no I/O.

Ratios of times are between the best rounds, because other work on the machine only ever adds to a time and may affect
only one side of a ratio. A worst case, or a value that is not a time, is judged by the median of the rounds.
"""

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from benchmarks.results import Results

_OTHERS: Final = (
    ("azure_core", "azure-core", 2.3),
    ("dlt_rest", "dlt", 2.6),
    ("httpx_pydantic", "httpx + pydantic", 2.5),
    ("stainless", "Stainless", 25.0),
)


@frozen
class Target:
    """A target and its measurement.

    Attributes:
        claim: The target, with its bound.
        found: The measured value.
        met: Whether the target was met.
    """

    claim: str
    found: str
    met: bool


def _cpu(results: Results, name: str) -> float | None:
    row = results.row(name)
    return None if row is None else row.best_cpu_s


def _ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or below is None or below == 0 else above / below


def _at_most(claim: str, value: float | None, bound: float, form: str = "{:.2f} times") -> Iterator[Target]:
    if value is not None:
        yield Target(claim, form.format(value), value <= bound)


def _at_least(claim: str, value: float | None, bound: float, form: str = "{:.1f} times") -> Iterator[Target]:
    if value is not None:
        yield Target(claim, form.format(value), value >= bound)


def judge(results: Results) -> list[Target]:
    """Return all targets for which everything was measured."""
    return [*_of_the_listing(results), *_of_scale(results), *_of_the_rest(results)]


def _of_the_listing(results: Results) -> Iterator[Target]:
    page, item, hand = (_cpu(results, name) for name in ("ours_by_page", "ours_by_item", "by_hand"))
    yield from _at_most("CPU by page: at most 0.85 times the loop by hand", _ratio(page, hand), 0.85)
    yield from _at_most("CPU by item: at most 0.95 times the loop by hand", _ratio(item, hand), 0.95)
    consistent = _ratio(_cpu(results, "ours_consistent"), item)
    yield from _at_most("CPU, consistent: at most 1.7 times by item", consistent, 1.7)
    for name, title, bound in _OTHERS:
        claim = f"CPU by item: {title} needs at least {bound:g} times as much"
        yield from _at_least(claim, _ratio(_cpu(results, name), item), bound)


def _of_scale(results: Results) -> Iterator[Target]:
    costs = [one.best for one in results.series if one.name.startswith("growth_cpu_") and one.values]
    if costs:
        spread = (max(costs) / min(costs) - 1) * 100
        claim = "cost per thread from 1,000 to 1,000,000 threads: flat within 20 %"
        yield from _at_most(claim, spread, 20, "{:.0f} %")
    few, many = results.median("growth_peak_10000"), results.median("growth_peak_1000000")
    if few is not None and many is not None:
        yield from _at_most("memory for 1,000,000 threads: at most 30 MB above 10,000", many - few, 30, "{:.1f} MB")
    block = results.median("block_1000")
    yield from _at_most("longest event-loop pause, pages of 1,000: at most 10 ms", block, 10, "{:.1f} ms")
    plain = results.best("prefetch_0")
    for ahead, bound in ((8, 6.5), (16, 11)):
        claim = f"200 pages that take 20 ms each: prefetch={ahead} at least {bound:g} times as fast as without"
        yield from _at_least(claim, _ratio(plain, results.best(f"prefetch_{ahead}")), bound)


def _of_the_rest(results: Results) -> Iterator[Target]:
    decode = _ratio(results.best("decode_ours"), results.best("decode_by_hand"))
    yield from _at_most("decoding a page: at most 0.75 times the loop by hand", decode, 0.75)
    for name, title, bound in (("page", "`fetch_page`", 1.25), ("first", "`first()`", 1.4)):
        claim = f"CPU per request for one thread, {title}: at most {bound:g} times aiohttp and a JSON parser"
        yield from _at_most(claim, _ratio(results.best(f"small_{name}"), results.best("small_bare")), bound)
    ours = _ratio(results.best("import_ours"), results.best("import_needed"))
    yield from _at_most("import: at most 1.15 times aiohttp, attrs, cattrs and msgspec", ours, 1.15)
    shown, bare = results.best("help"), results.best("python_aiohttp")
    if shown is not None and bare is not None:
        claim = "`threads-async --help`: at most 150 ms more than `python -c 'import aiohttp'`"
        yield from _at_most(claim, shown - bare, 150, "{:.0f} ms")
