"""Charts as SVG. Performs no I/O.

A chart is narrow, with large text, so that it can be read on a phone. It has its own background, light or dark as the
reader prefers, so that it can be read on any page.
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape

from attrs import frozen

WIDTH: Final = 400
"""The width of every picture. A phone shows it at about 350 pixels, and 12 px of text at 10.5."""
MARGIN: Final = 16
"""The space on the left and on the right."""

_LIGHT: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}"
    ".note{font-size:12px;fill:#59636e}.ground{fill:#fff;stroke:#dfe3e8}"
)
_DARK: Final = "text{fill:#e1e4e8}.note{fill:#9da3aa}.ground{fill:#1a1c1e;stroke:#303335}"
# Characters that fit in one line, in a wide font.
_TITLE_LENGTH: Final = 40
_NOTE_LENGTH: Final = 60
_LINE: Final = 17

_BARS_LIGHT: Final = (
    ".bar{fill:#8c959f}.ours{fill:#218bff}.range{fill:none;stroke:#1f2328;stroke-width:1.4}"
    ".gap{fill:none;stroke:#fff;stroke-width:3}"
)
_BARS_DARK: Final = ".bar{fill:#656c76}.ours{fill:#1f6feb}.range{stroke:#e1e4e8}.gap{stroke:#1a1c1e}"
_VALUES: Final = 70
"""The space for the values, to the right of the bars."""
_STEP: Final = 42
_BAR: Final = 14
_OUTLIER: Final = 5
"""A bar more than this many times as long as the next one is cut, so that the others can still be compared."""
_CUT: Final = "The bar with a gap is cut short and has no line."
_LESS: Final = 0.8
"""The part of the width that the other bars may use if one is cut, so that the cut bar is clearly the longest."""


@frozen(kw_only=True)
class Bar:
    """A bar.

    Attributes:
        label: What the bar stands for.
        value: The value that it shows.
        low: The lowest value of all rounds.
        high: The highest value of all rounds.
        text: The value as text.
        is_ours: Whether the bar stands for this library.
    """

    label: str
    value: float
    low: float
    high: float
    text: str
    is_ours: bool = False


def headings(title: str, note: str) -> tuple[list[str], int]:
    """Return the title and the note below it as SVG elements, and the `y` at which they end."""
    lines = []
    y = 9
    for kind, text, length in (("title", title, _TITLE_LENGTH), ("note", note, _NOTE_LENGTH)):
        for line in textwrap.wrap(text, length):
            y += _LINE
            lines.append(f'<text class="{kind}" x="{MARGIN}" y="{y}">{escape(line)}</text>')
        y += 3
    return lines, y


def svg(elements: Iterable[str], *, height: int, spoken: str, style: tuple[str, str]) -> str:
    """Return the text of an SVG file.

    Args:
        elements: What is drawn on the background.
        height: The height of the picture.
        spoken: A description for readers who do not see the picture.
        style: The CSS rules of the elements: those for a light background, and what differs on a dark one.
    """
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(spoken, {chr(34): "&quot;"})}">'
    )
    lines = [
        root,
        f"<style>{_LIGHT}{style[0]}@media(prefers-color-scheme:dark){{{_DARK}{style[1]}}}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        *elements,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def bar_chart(title: str, note: str, bars: Sequence[Bar]) -> str:
    """Return a chart of horizontal bars that start at zero, as the text of an SVG file.

    A line on each bar shows the range of its rounds. If one bar is much longer than all others, it is cut.
    """
    longest, second = sorted((0.0, 0.0, *(bar.value for bar in bars)), reverse=True)[:2]
    limit = second if longest > _OUTLIER * second > 0 else longest
    cut = [bar for bar in bars if bar.value > limit]
    room = WIDTH - 2 * MARGIN - _VALUES
    scale = (_LESS if cut else 1) * room / (max((bar.high for bar in bars if bar not in cut), default=0) or 1)
    note = f"{note} {_CUT}" if cut else note
    elements, top = headings(title, note)
    top += 8
    height = top + _STEP * len(bars) + 8
    for number, bar in enumerate(bars):
        label, y = top + _STEP * number + 13, top + _STEP * number + 20
        length = room if bar in cut else max(1.0, scale * bar.value)
        kind = "ours" if bar.is_ours else "bar"
        elements += [
            f'<text x="{MARGIN}" y="{label}">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{MARGIN}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2"/>',
        ]
        if bar in cut:
            elements.append(f'<path class="gap" d="M{MARGIN + room - 40} {y + _BAR + 2}l8 {-_BAR - 4}"/>')
        elif bar.low < bar.high:
            left, right = MARGIN + scale * bar.low, MARGIN + scale * bar.high
            middle = y + _BAR / 2
            elements.append(
                f'<path class="range" d="M{left:.1f} {middle - 4:g}v8M{left:.1f} {middle:g}H{right:.1f}m0 -4v8"/>'
            )
            length = max(length, scale * bar.high)
        elements.append(f'<text x="{MARGIN + length + 7:.1f}" y="{y + 12}">{escape(bar.text)}</text>')
    spoken = f"{title}: {', '.join(f'{bar.label} {bar.text}' for bar in bars)}. {note}"
    return svg(elements, height=height, spoken=spoken, style=(_BARS_LIGHT, _BARS_DARK))
