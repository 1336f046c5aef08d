"""Charts as SVG. Performs no I/O.

They bring a ground of their own and follow the reader's colour scheme, so they can be read wherever they stand.
"""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from attrs import frozen

_LIGHT: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.title{font-weight:600;font-size:15px}.note{fill:#59636e}"
    ".ground{fill:#fff;stroke:#d1d9e0}"
)
_DARK: Final = "text{fill:#e6edf3}.note{fill:#9198a1}.ground{fill:#151b23;stroke:#3d444d}"
WIDTH: Final = 800
"""How wide every chart is."""
_BARS: Final = (".bar{fill:#8c959f}.ours{fill:#0969da}", ".bar{fill:#656c76}.ours{fill:#4493f8}")
_LABELS: Final = 340
_VALUES: Final = 110
_HEAD: Final = 58
_STEP: Final = 26
_BAR: Final = 16


@frozen
class Bar:
    """A bar.

    Attributes:
        label: What it stands for.
        value: How long it is.
        text: The value as it is written.
        is_ours: Whether it stands for this library.
    """

    label: str
    value: float
    text: str
    is_ours: bool = False


def frame(title: str, note: str, *, height: int, spoken: str, style: tuple[str, str]) -> list[str]:
    """Return the first lines of an SVG file: its size, its styles, the ground and the headings.

    Args:
        title: The heading.
        note: The line below it.
        height: How high it is.
        spoken: What it shows, for those who do not see it.
        style: The styles of what is drawn on it, on light ground and on dark.
    """
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(spoken, {chr(34): "&quot;"})}">'
    )
    return [
        root,
        f"<style>{_LIGHT}{style[0]}@media(prefers-color-scheme:dark){{{_DARK}{style[1]}}}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
        f'<text class="note" x="16" y="45">{escape(note)}</text>',
    ]


def bar_chart(title: str, note: str, bars: Sequence[Bar]) -> str:
    """Return a chart of horizontal bars that begin at zero, as the text of an SVG file."""
    height = _HEAD + _STEP * len(bars) + 12
    most = max((bar.value for bar in bars), default=0) or 1
    room = WIDTH - _LABELS - _VALUES
    spoken = f"{title}: " + ", ".join(f"{bar.label} {bar.text}" for bar in bars)
    lines = frame(title, note, height=height, spoken=spoken, style=_BARS)
    for number, bar in enumerate(bars):
        top = _HEAD + _STEP * number
        base = top + _BAR - 3
        length = max(1.0, room * bar.value / most)
        kind = "ours" if bar.is_ours else "bar"
        lines += [
            f'<text x="{_LABELS - 8}" y="{base}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2"/>',
            f'<text x="{_LABELS + length + 6:.1f}" y="{base}">{escape(bar.text)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
