"""Charts show their values to scale, and every picture can be read on a phone and in a light and a dark theme."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from benchmarks.charts import MARGIN, WIDTH, Bar, bar_chart, headings
from benchmarks.processes import ROOT
from benchmarks.report import charts
from benchmarks.results import Results, Row, Run, Series

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = sorted((ROOT / "docs" / "_static").glob("*.svg"))
EVERY_PICTURE = pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)


def bar(value: float, low: float | None = None, high: float | None = None, **more: Any) -> Bar:
    return Bar(
        label=more.pop("label", f"bar of {value:g}"),
        value=value,
        low=value if low is None else low,
        high=value if high is None else high,
        text=f"{value:g} µs",
        **more,
    )


def drawn(*bars: Bar, title: str = "Cost & more", note: str = "Less is better.") -> ET.Element:
    return ET.fromstring(bar_chart(title, note, bars))  # noqa: S314 - made here


def lengths(root: ET.Element) -> list[float]:
    return [float(one.get("width", 0)) for one in root.iter(f"{SVG}rect") if one.get("class") != "ground"]


def paths(root: ET.Element, kind: str) -> list[str]:
    return [one.get("d", "") for one in root.iter(f"{SVG}path") if one.get("class") == kind]


def test_bars_are_as_long_as_their_values() -> None:
    root = drawn(bar(1, label='a"<b'), bar(4, label="c", is_ours=True))
    kinds = [one.get("class") for one in root.iter(f"{SVG}rect")]
    short, long = lengths(root)

    assert ["ground", "bar", "ours"] == kinds
    assert 4 == pytest.approx(long / short, rel=0.01)
    assert 'Cost & more: a"<b 1 µs, c 4 µs. Less is better.' == root.get("aria-label")


def test_the_line_on_a_bar_spans_its_rounds_at_the_scale_of_the_bars() -> None:
    root = drawn(bar(2, 1, 3), bar(2, 2, 2))
    first, _ = lengths(root)
    (line,) = paths(root, "range")
    left, right = (float(x) - MARGIN for x in re.findall(r"^M([\d.]+)|H([\d.]+)", line) for x in x if x)

    assert first / 2 == pytest.approx(left, abs=0.1)
    assert first * 1.5 == pytest.approx(right, abs=0.1)


def test_a_value_is_to_the_right_of_its_bar_and_its_line_and_inside_the_picture() -> None:
    root = drawn(bar(2, 1, 3), bar(2.5), bar(20))
    values = [float(one.get("x", 0)) for one in root.iter(f"{SVG}text") if str(one.text).endswith("µs")]
    ends = [float(re.findall(r"H([\d.]+)", paths(root, "range")[0])[0]), *(MARGIN + one for one in lengths(root)[1:])]

    assert [7, 7, 7] == pytest.approx([value - end for value, end in zip(values, ends, strict=True)], abs=0.2)
    assert max(values) + 60 < WIDTH


def test_a_bar_that_dwarfs_all_others_is_cut_and_the_note_says_so() -> None:
    root = drawn(bar(1), bar(2), bar(11, 10, 12))
    one, two, cut = lengths(root)

    assert 2 == pytest.approx(two / one, rel=0.01)
    assert two / cut == pytest.approx(0.8, rel=0.01)
    assert 1 == len(paths(root, "gap"))
    assert [] == paths(root, "range")
    assert "The bar with a gap is cut short and has no line." in str(root.get("aria-label"))


@pytest.mark.parametrize("values", [(), (3,), (0,), (0, 3), (1, 5), (1, 9, 10)])
def test_no_other_bar_is_cut(values: tuple[float, ...]) -> None:
    root = drawn(*map(bar, values))

    assert len(values) == len(lengths(root))
    assert [] == paths(root, "gap")
    assert "cut" not in str(root.get("aria-label"))


def test_long_headings_are_wrapped_and_what_follows_is_below_them() -> None:
    short, end = headings("Title", "Note")
    long, later = headings("Title", "many words " * 20)

    assert (2, 5) == (len(short), len(long))
    assert later - end == 17 * (len(long) - len(short))


def results(*cpu_s: float) -> Results:
    runs = tuple(Run(seconds, seconds, int(40_000 * seconds), 10.0) for seconds in cpu_s)
    return Results(
        machine="one",
        versions={},
        threads=1_000_000,
        total=1000,
        rounds=len(cpu_s),
        checksum="",
        rows=(Row("by_hand", "by hand", is_ours=False, runs=runs),),
        series=(Series("growth_cpu_10", "CPU per thread, list of 10", "ms", cpu_s),),
    )


def test_the_charts_show_the_range_of_the_rounds_of_each_row_and_series() -> None:
    many = charts(results(1.0, 2.0, 4.0))

    assert {"benchmark-cpu.svg", "benchmark-memory.svg", "benchmark-growth.svg"} == set(many)
    for text in many.values():
        root = ET.fromstring(text)  # noqa: S314 - made here
        (length,), (line,) = lengths(root), paths(root, "range")
        assert line.startswith(f"M{MARGIN + length / 2:.1f} ")
        assert f"H{MARGIN + length * 2:.1f}m" in line
        assert "spans the lowest to the highest round" in str(root.get("aria-label"))
    assert ">list of 10<" in many["benchmark-growth.svg"]
    assert ">2.00 ms<" in many["benchmark-growth.svg"]


def test_one_round_has_no_range() -> None:
    for text in charts(results(1.0)).values():
        assert 'class="range"' not in text
        assert "one round." in text
        assert "highest" not in text


def test_a_series_without_values_has_no_chart() -> None:
    one = results(1.0)

    assert "benchmark-growth.svg" not in charts(evolve(one, series=(evolve(one.series[0], values=()),)))


@EVERY_PICTURE
def test_a_picture_can_be_read_on_a_phone(path: Path) -> None:
    """A phone shows 400 units on about 350 pixels."""
    text = path.read_text(encoding="utf-8")
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: ?([\d.]+)px", text)]

    assert f'viewBox="0 0 {WIDTH} ' in text
    assert min(sizes) >= 12


@EVERY_PICTURE
def test_a_picture_has_its_own_background_and_colours_for_light_and_dark(path: Path) -> None:
    light, found, dark = re.sub(r"\s", "", path.read_text(encoding="utf-8")).partition(
        "@media(prefers-color-scheme:dark)"
    )

    assert found
    assert ".ground{fill:#fff;" in light
    assert ".ground{fill:#1a1c1e;" in dark
    assert "text{fill:#e1e4e8" in dark


@EVERY_PICTURE
def test_no_text_leaves_its_picture(path: Path) -> None:
    root = ET.parse(path).getroot()  # noqa: S314 - it is ours

    for one in root.iter(f"{SVG}text"):
        x, length = float(one.get("x", 0)), 6.0 * len(one.text or "")
        left = x - {"middle": length / 2, "end": length}.get(one.get("text-anchor", ""), 0)
        assert left >= 0, one.text
        assert left + length <= WIDTH, one.text


@EVERY_PICTURE
def test_a_picture_says_in_words_what_it_shows(path: Path) -> None:
    root = ET.parse(path).getroot()  # noqa: S314 - it is ours

    assert "img" == root.get("role")
    assert root.get("aria-label") or root.findtext(f"{SVG}title")


def test_the_theme_switch_of_the_documentation_reaches_the_pictures() -> None:
    style = (ROOT / "docs" / "_static" / "pictures.css").read_text(encoding="utf-8")

    assert 'body[data-theme="dark"] article img[src$=".svg"] {\n  color-scheme: dark;' in style
    assert "pictures.css" in (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
