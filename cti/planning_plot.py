"""A plot of a day as SVG: bars for the load, steps for people. Every text stands in the file as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from cti.planning_output import width

__all__ = ["Series", "day_plot"]

WIDE, HIGH = 1000.0, 460.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 76.0, 52.0
FONT = "'Noto Sans CJK SC', 'Noto Sans SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One row of values over the day, in equal intervals."""

    title: str
    values: Sequence[float]
    colour: str
    filled: bool = False  # bars from zero instead of a line of steps
    dashed: bool = False


def day_plot(title: str, unit: str, series: Sequence[Series]) -> str:
    """Draw series of the same length over 24 hours; filled ones first, so that lines stay visible."""
    most = max((max(one.values) for one in series), default=0.0)
    step = _step(most)
    top = max(step, math.ceil(most / step) * step)
    right, bottom = WIDE - RIGHT, HIGH - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE:g} {HIGH:g}" '
        f'font-family="{FONT}" font-size="13" fill="#334155" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDE:g}" height="{HIGH:g}" fill="#ffffff"/>',
        f'<text x="{LEFT:g}" y="28" font-size="17" font-weight="600" fill="#0f172a">{escape(title)}</text>',
    ]

    def y(value: float) -> float:
        return bottom - value / top * (bottom - TOP)

    for number in range(round(top / step) + 1):
        value = number * step
        parts += [
            f'<line x1="{LEFT:g}" x2="{right:g}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#e2e8f0"/>',
            f'<text x="{LEFT - 8:g}" y="{y(value) + 4.5:.1f}" text-anchor="end">{value:g}</text>',
        ]
    for hour in range(0, 25, 2):
        x = LEFT + hour / 24 * (right - LEFT)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20:g}" text-anchor="middle">{hour:02d}:00</text>')
    parts.append(f'<text x="{LEFT:g}" y="{HIGH - 12:g}" font-size="12" fill="#64748b">{escape(unit)}</text>')
    for one in sorted(series, key=lambda one: not one.filled):
        parts.append(_drawn(one, y, bottom, right))
    parts += _legend(series)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _drawn(one: Series, y: Callable[[float], float], bottom: float, right: float) -> str:
    """The series as one path of steps."""
    wide = (right - LEFT) / len(one.values)
    points = []
    for number, value in enumerate(one.values):
        points += [
            f"{LEFT + number * wide:.1f},{y(value):.1f}",
            f"{LEFT + (number + 1) * wide:.1f},{y(value):.1f}",
        ]
    if one.filled:
        path = f"M{LEFT:g},{bottom:g} L{' L'.join(points)} L{right:g},{bottom:g} Z"
        return f'<path d="{path}" fill="{one.colour}"/>'
    dashes = ' stroke-dasharray="6 4"' if one.dashed else ""
    return f'<path d="M{" L".join(points)}" fill="none" stroke="{one.colour}" stroke-width="2"{dashes}/>'


def _legend(series: Sequence[Series]) -> list[str]:
    parts, x = [], LEFT
    for one in series:
        if one.filled:
            parts.append(f'<rect x="{x:g}" y="46" width="22" height="10" fill="{one.colour}"/>')
        else:
            dashes = ' stroke-dasharray="6 4"' if one.dashed else ""
            parts.append(
                f'<line x1="{x:g}" x2="{x + 22:g}" y1="51" y2="51" stroke="{one.colour}" '
                f'stroke-width="2"{dashes}/>'
            )
        parts.append(f'<text x="{x + 28:g}" y="55.5">{escape(one.title)}</text>')
        x += 28 + 7.2 * width(one.title) + 22
    return parts


def _step(most: float) -> float:
    """A round distance between lines of the grid, of which four to eight fit."""
    rough = max(most, 1.0) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
