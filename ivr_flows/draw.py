"""A flow as a picture: SVG, one box a step, an arrow for every exit, in Chinese, for those who answer for it.

Exits that end the call are written inside the box; exits that lead to the same step share an arrow. What
happens only after a mishap is dashed and grey.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from ivr_flows.layout import Box, Lane, Layout, Place, arrange
from ivr_flows.schema import ENDS, Flow, Step
from ivr_flows.told import END_NAMES, KIND_NAMES, Names, details, exit_name, kind_of, mishap, said

FONT = "'Noto Sans SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
SMALL, NORMAL, LARGE = 12.0, 13.0, 20.0
LINE = 18.0
PADDING = 12.0
HEAD = 28.0
BOX_MIN, BOX_MAX = 224.0, 320.0
TEXT_LINES = 5
"""lines of what a step says; the rest is cut"""
LABEL_GAP = 14.0
LAYER_GAP = 86.0
MARGIN = 28.0
TITLE_HEIGHT = 64.0

COLOURS: Mapping[str, tuple[str, str]] = {
    "say": ("#e8f1fb", "#2f6db5"),
    "ask": ("#fdf3dc", "#b07a12"),
    "decide": ("#f1ebfa", "#7650b0"),
    "person": ("#e3f4e6", "#2c8a43"),
    "keep": ("#f0f2f4", "#5b6670"),
}
"""group of steps -> fill and line"""
GROUPS: Mapping[str, str] = {
    "announce": "say", "say": "say",
    "menu": "ask", "collect": "ask", "language": "ask", "survey": "ask", "robot": "ask",
    "hours": "decide", "branch": "decide", "lookup": "decide", "web": "decide",
    "route": "person", "callback": "person", "transfer": "person", "message": "person",
    "set": "keep", "note": "keep", "flow": "keep",
}  # fmt: skip
LEGEND = (
    ("say", "播报"),
    ("ask", "提问"),
    ("decide", "判断"),
    ("person", "接通、回电、留言"),
    ("keep", "设定、记录"),
)
PIECE = re.compile(r"[A-Za-z0-9_.]+|.")
"""what is not broken between lines"""
MAIN, ASIDE = "#44505c", "#a3acb5"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrow:
    """All exits of one step to one other."""

    target: str
    label: str
    aside: bool  # only after mishaps


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """A step, ready to be drawn."""

    name: str
    step: Step
    lines: tuple[tuple[str, str], ...]  # class of the text, text
    ends: tuple[str, ...]  # exits that end the call, in words
    arrows: tuple[_Arrow, ...]
    tags: tuple[str, ...]  # 开始, 恢复 …
    width: float
    height: float


def draw(flow: Flow, names: Names) -> str:
    """Return the picture of a flow as the text of an SVG file."""
    pictures = {name: _picture(flow, name, step, names) for name, step in flow.steps.items()}
    layout = arrange(
        [Box(name=one.name, width=one.width, height=one.height) for one in pictures.values()],
        [(one.name, arrow.target) for one in pictures.values() for arrow in one.arrows],
        starts=[name for name in (flow.start, flow.resume, flow.after_talk) if name in flow.steps],
        layer_gap=LAYER_GAP,
    )
    width = max(layout.width, 620.0) + 2 * MARGIN
    shift = MARGIN + (width - 2 * MARGIN - layout.width) / 2
    height = layout.height + TITLE_HEIGHT + 2 * MARGIN + LAYER_GAP / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" font-size="{NORMAL:g}">',
        f"<title>{escape(flow.title)}</title>",
        _definitions(),
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        *_heading(flow, width),
        f'<g transform="translate({shift:.1f} {TITLE_HEIGHT + MARGIN:.1f})">',
        *_edges(pictures, layout),
        *(part for one in pictures.values() for part in _box(one, layout.places[one.name])),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# ---------------------------------------------------------------- what stands in a box


def _picture(flow: Flow, name: str, step: Step, names: Names) -> _Picture:
    ends: dict[str, list[str]] = {}
    ways: dict[str, list[str]] = {}
    for path, target in step.exits():
        (ends if target in ENDS else ways).setdefault(target, []).append(path)
    arrows = tuple(
        _Arrow(
            target=target,
            label=_joined([exit_name(step, path) for path in paths]),
            aside=all(mishap(path) for path in paths),
        )
        for target, paths in ways.items()
    )
    finals = tuple(
        f"{_joined([exit_name(step, path) for path in paths])} → {END_NAMES[target]}"
        for target, paths in ends.items()
    )
    needed = sum(text_width(arrow.label, SMALL) + LABEL_GAP for arrow in arrows)
    roles = {flow.start: "开始", flow.resume: "断线恢复", flow.after_talk: "通话后恢复"}
    tags = (roles[name],) if name in roles else ()
    head = text_width(f"{KIND_NAMES[kind_of(step)]}{name}{''.join(tags)}", NORMAL) + 40
    width = max(BOX_MIN, head + 2 * PADDING, needed + 2 * PADDING)
    inner = min(width, BOX_MAX) - 2 * PADDING if needed < BOX_MAX else width - 2 * PADDING
    lines = [("d", line) for text in details(step, names) for line in wrapped(text, inner, NORMAL)]
    words = [line for text in said(step, names) for line in wrapped(text, inner, NORMAL)]
    if len(words) > TEXT_LINES:
        words = [*words[: TEXT_LINES - 1], f"{words[TEXT_LINES - 1][:-1]}…"]
    lines += [("s", line) for line in words]
    lines += [("e", line) for text in finals for line in wrapped(f"■ {text}", inner, SMALL)]
    return _Picture(
        name=name,
        step=step,
        lines=tuple(lines),
        ends=finals,
        arrows=arrows,
        tags=tags,
        width=width,
        height=HEAD + len(lines) * LINE + PADDING,
    )


def _joined(words: list[str]) -> str:
    """按 1, 按 2 → 按 1、2; the rest side by side."""
    keys = [word.removeprefix("按 ") for word in words if word.startswith("按 ")]
    others = [word for word in dict.fromkeys(words) if not word.startswith("按 ")]
    return "、".join(([f"按 {'、'.join(keys)}"] if keys else []) + others)


def text_width(text: str, size: float) -> float:
    """Roughly how wide a text is, pixels: East Asian characters a full square, others a bit over half."""
    return sum(size if unicodedata.east_asian_width(c) in "WFA" else size * 0.58 for c in text)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines, not inside Latin words; punctuation does not begin one."""
    lines = [""]
    for piece in PIECE.findall(text):
        full = text_width(lines[-1] + piece, size) > width
        if full and lines[-1] and piece not in "，。、；：？！”）":
            lines.append("")
        lines[-1] += piece
    return lines


# ---------------------------------------------------------------- shapes


def _definitions() -> str:
    def marker(name: str, colour: str) -> str:
        return (
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        )

    return f"<defs>{marker('main', MAIN)}{marker('aside', ASIDE)}</defs>"


def _heading(flow: Flow, width: float) -> Iterator[str]:
    yield _text(MARGIN, MARGIN + 12, flow.title, LARGE, "#1d2730", bold=True)
    about = f"{flow.name}　版本 {flow.version}"
    yield _text(MARGIN, MARGIN + 34, about, SMALL, "#66717c")
    x = width - MARGIN
    for group, word in reversed(LEGEND):
        x -= text_width(word, SMALL) + 34
        fill, line = COLOURS[group]
        yield f'<rect x="{x:.1f}" y="{MARGIN}" width="14" height="14" rx="3" fill="{fill}" stroke="{line}"/>'
        yield _text(x + 19, MARGIN + 11.5, word, SMALL, "#44505c")
    told = "实线：正常　虚线：按错、出错"
    yield _text(width - MARGIN - text_width(told, SMALL) - 14, MARGIN + 34, told, SMALL, "#66717c")


def _text(
    x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False, middle: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    anchor = ' text-anchor="middle"' if middle else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}"{weight}{anchor}>'
        f"{escape(text)}</text>"
    )


def _box(one: _Picture, place: Place) -> Iterator[str]:
    kind = kind_of(one.step)
    group = GROUPS[kind]
    fill, line = COLOURS[group]
    yield f"<g><title>{escape(one.name)}</title>"
    yield _outline(group, kind, place, one.width, one.height, fill, line)
    inset = PADDING + (6 if group == "decide" else 0)
    yield _text(place.x + inset, place.y + 19, KIND_NAMES[kind], NORMAL, line, bold=True)
    right = place.x + one.width - inset - text_width(one.name, SMALL)
    yield _text(right, place.y + 19, one.name, SMALL, "#66717c")
    y = place.y + HEAD + 12
    for style, text in one.lines:
        colour, size = {"d": ("#1d2730", NORMAL), "s": ("#27445f", NORMAL), "e": ("#8c3a3a", SMALL)}[style]
        yield _text(place.x + inset, y, text, size, colour)
        y += LINE
    for tag in one.tags:
        wide = text_width(tag, SMALL) + 16
        x = place.x + inset + text_width(KIND_NAMES[kind], NORMAL) + 8
        yield (
            f'<rect x="{x:.1f}" y="{place.y + 5:.1f}" width="{wide:.1f}" height="19" rx="9.5" fill="{line}"/>'
        )
        yield _text(x + 8, place.y + 19, tag, SMALL, "#ffffff", bold=True)
    yield "</g>"


def _outline(group: str, kind: str, place: Place, width: float, height: float, fill: str, line: str) -> str:
    style = f'fill="{fill}" stroke="{line}" stroke-width="1.4"'
    if group == "decide":  # corners cut, as decisions are drawn
        cut, x, y = 12.0, place.x, place.y
        points = [
            (x + cut, y), (x + width - cut, y), (x + width, y + cut), (x + width, y + height - cut),
            (x + width - cut, y + height), (x + cut, y + height), (x, y + height - cut), (x, y + cut),
        ]  # fmt: skip
        return f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" {style}/>'
    rounding = {"person": 18, "ask": 10}.get(group, 4)
    frame = (
        f'<rect x="{place.x:.1f}" y="{place.y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{rounding}" {style}/>'
    )
    if kind == "flow":  # a second frame, as sub-routines are drawn
        frame += (
            f'<rect x="{place.x + 4:.1f}" y="{place.y + 4:.1f}" width="{width - 8:.1f}" '
            f'height="{height - 8:.1f}" rx="2" fill="none" stroke="{line}" stroke-width="0.8"/>'
        )
    return frame


# ---------------------------------------------------------------- arrows


def _edges(pictures: Mapping[str, _Picture], layout: Layout) -> Iterator[str]:
    entries = _entries(pictures, layout)
    for one in pictures.values():
        for arrow, x in _ports(one, layout):
            place = layout.places[one.name]
            colour = ASIDE if arrow.aside else MAIN
            dash = ' stroke-dasharray="5 4"' if arrow.aside else ""
            bottom = place.y + one.height
            target = layout.places[arrow.target]
            path = _path(
                (x, bottom),
                layout.layers[place.layer][1],
                layout.lanes[one.name, arrow.target],
                (entries[one.name, arrow.target], target.y),
                back=(one.name, arrow.target) in layout.back,
            )
            marker = "aside" if arrow.aside else "main"
            yield (
                f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dash} '
                f"marker-end={quoteattr(f'url(#{marker})')}/>"
            )
    for one in pictures.values():
        for arrow, x in _ports(one, layout):
            bottom = layout.places[one.name].y + one.height
            wide = text_width(arrow.label, SMALL) + 6
            yield (
                f'<rect x="{x - wide / 2:.1f}" y="{bottom + 6:.1f}" width="{wide:.1f}" height="17" rx="3" '
                f'fill="#ffffff" fill-opacity="0.92"/>'
            )
            colour = "#7b858f" if arrow.aside else "#1d2730"
            yield _text(x, bottom + 19, arrow.label, SMALL, colour, middle=True)


def _ports(one: _Picture, layout: Layout) -> Iterator[tuple[_Arrow, float]]:
    """Where each arrow leaves the box: in the order of where they go, each as wide as its label."""

    def heading(arrow: _Arrow) -> float:
        lanes = layout.lanes[one.name, arrow.target]
        return lanes[0].x if lanes else layout.places[arrow.target].x

    arrows = sorted(one.arrows, key=heading)
    widths = [text_width(arrow.label, SMALL) + LABEL_GAP for arrow in arrows]
    free = (one.width - sum(widths)) / (len(arrows) + 1)
    x = layout.places[one.name].x
    for arrow, width in zip(arrows, widths, strict=True):
        yield arrow, x + free + width / 2
        x += free + width


def _entries(pictures: Mapping[str, _Picture], layout: Layout) -> dict[tuple[str, str], float]:
    """Where each arrow enters its target, side by side along the upper edge."""
    coming: dict[str, list[tuple[float, float, str]]] = {}
    for one in pictures.values():
        for arrow in one.arrows:
            lanes = layout.lanes[one.name, arrow.target]
            x = side = lanes[-1].x if lanes else layout.places[one.name].x + one.width / 2
            if (one.name, arrow.target) in layout.back:  # comes round the corner: outermost, the nearest most
                side = math.copysign(math.inf, x - layout.places[arrow.target].x)
            coming.setdefault(arrow.target, []).append((side, -x if math.isinf(side) else x, one.name))
    entries: dict[tuple[str, str], float] = {}
    for target, sources in coming.items():
        place, width = layout.places[target], pictures[target].width
        step = min(26.0, (width * 0.6) / len(sources))
        first = place.x + width / 2 - step * (len(sources) - 1) / 2
        for index, (_, _, source) in enumerate(sorted(sources)):
            entries[source, target] = first + index * step
    return entries


def _path(
    start: tuple[float, float],
    layer_bottom: float,
    lanes: tuple[Lane, ...],
    end: tuple[float, float],
    *,
    back: bool,
) -> str:
    x, y = start
    parts = [f"M{x:.1f} {y:.1f}"]
    if layer_bottom > y:
        y = layer_bottom
        parts.append(f"V{y:.1f}")
    for index, lane in enumerate(lanes):
        enter, leave = (lane.bottom, lane.top) if back else (lane.top, lane.bottom)
        parts.append(_curve(x, y, lane.x, enter, up=back, out_down=not back or index == 0))
        parts.append(f"V{leave:.1f}")
        x, y = lane.x, leave
    parts.append(_curve(x, y, *end, up=False, out_down=not (back and lanes)))
    return "".join(parts)


def _curve(x: float, y: float, to_x: float, to_y: float, *, up: bool, out_down: bool) -> str:
    """A smooth bow that leaves downwards (or upwards) and arrives downwards (or, with `up`, upwards)."""
    bend = max(abs(to_y - y) * 0.5, 34.0)
    from_y = y + bend if out_down else y - bend
    into_y = to_y + bend if up else to_y - bend
    return f"C{x:.1f} {from_y:.1f} {to_x:.1f} {into_y:.1f} {to_x:.1f} {to_y:.1f}"
