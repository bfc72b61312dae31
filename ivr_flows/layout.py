"""Where the boxes of a drawn flow stand: a layered layout from top to bottom, boxes never overlapping.

After Sugiyama, Tagawa and Toda (1981): edges that lead back are turned round, boxes are put on layers by the
longest way from the start, long edges get a waypoint on every layer between, layers are ordered by the mean
place of their neighbours, and boxes then move towards those neighbours without overlapping.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ORDER_SWEEPS = 12
PLACE_SWEEPS = 40
WAYPOINT_WIDTH = 16.0
BOX_GAP = 36.0
"""between two boxes of a layer, pixels"""
LANE_GAP = 12.0
"""beside a waypoint, pixels"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box to be placed."""

    name: str  # unique
    width: float  # pixels
    height: float  # pixels


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box stands."""

    x: float  # left edge, pixels
    y: float  # upper edge, pixels
    layer: int  # from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Where an edge passes one layer between boxes, straight up or down."""

    x: float  # pixels
    top: float  # the layer's upper edge, pixels
    bottom: float  # the layer's lower edge, pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A finished layout."""

    places: Mapping[str, Place]  # by box
    lanes: Mapping[tuple[str, str], tuple[Lane, ...]]  # by edge (from, to): from its beginning to its end
    layers: Sequence[tuple[float, float]]  # upper and lower edge of each, pixels
    back: frozenset[tuple[str, str]]  # edges that lead upwards
    width: float  # pixels
    height: float  # pixels


@dataclass(slots=True)
class _Node:
    """A box, or a waypoint of an edge."""

    name: str
    width: float
    layer: int
    waypoint: bool
    x: float = 0.0  # centre


def arrange(
    boxes: Sequence[Box], edges: Iterable[tuple[str, str]], *, starts: Sequence[str], layer_gap: float
) -> Layout:
    """Place boxes. `starts` stand at the top, in order; `edges` join two different names of `boxes`.

    `layer_gap` is the space between two layers, pixels.
    """
    unique = list(dict.fromkeys(edge for edge in edges if edge[0] != edge[1]))
    back = _back_edges([box.name for box in boxes], unique, starts)
    layer_of = _layers([box.name for box in boxes], unique, back)
    nodes = {
        box.name: _Node(name=box.name, width=box.width, layer=layer_of[box.name], waypoint=False)
        for box in boxes
    }
    chains = {edge: _chain(edge, nodes, edge in back) for edge in unique}
    links = [pair for chain in chains.values() for pair in itertools.pairwise(chain)]
    rows = _rows(nodes)
    _order(rows, nodes, links)
    _place(rows, nodes, links)
    tops = _tops(boxes, layer_of, len(rows), layer_gap)
    left = min(node.x - node.width / 2 for node in nodes.values())
    for node in nodes.values():
        node.x -= left
    return Layout(
        places={
            box.name: Place(
                nodes[box.name].x - box.width / 2, tops[layer_of[box.name]][0], layer_of[box.name]
            )
            for box in boxes
        },
        lanes={
            edge: tuple(
                Lane(x=nodes[name].x, top=tops[nodes[name].layer][0], bottom=tops[nodes[name].layer][1])
                for name in chain[1:-1]
            )
            for edge, chain in chains.items()
        },
        layers=tops,
        back=frozenset(back),
        width=max(node.x + node.width / 2 for node in nodes.values()),
        height=tops[-1][1],
    )


def _back_edges(
    names: Sequence[str], edges: Sequence[tuple[str, str]], starts: Sequence[str]
) -> set[tuple[str, str]]:
    """Edges that close a circle when boxes are visited from the starts, depth first."""
    ahead: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        ahead[source].append(target)
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in (*starts, *names):
        if root in done:
            continue
        open_: dict[str, None] = {root: None}
        stack = [(root, iter(ahead[root]))]
        while stack:
            name, targets = stack[-1]
            target = next(targets, "")
            if not target:
                stack.pop()
                del open_[name]
                done.add(name)
            elif target in open_:
                back.add((name, target))
            elif target not in done:
                open_[target] = None
                stack.append((target, iter(ahead[target])))
    return back


def _layers(
    names: Sequence[str], edges: Sequence[tuple[str, str]], back: set[tuple[str, str]]
) -> dict[str, int]:
    """The longest way to each box; back edges do not count."""
    down = [edge for edge in edges if edge not in back]
    layer = dict.fromkeys(names, 0)
    for _ in names:
        changed = False
        for source, target in down:
            if layer[target] <= layer[source]:
                layer[target] = layer[source] + 1
                changed = True
        if not changed:
            break
    return layer


def _chain(edge: tuple[str, str], nodes: dict[str, _Node], back: bool) -> tuple[str, ...]:
    """The edge's waypoints between its ends; a back edge also passes the layers of its two boxes."""
    source, target = nodes[edge[0]].layer, nodes[edge[1]].layer
    between = range(source, target - 1, -1) if back else range(source + 1, target)
    points = []
    for layer in between:
        name = f"{edge[0]}→{edge[1]}@{layer}"
        nodes[name] = _Node(name=name, width=WAYPOINT_WIDTH, layer=layer, waypoint=True)
        points.append(name)
    return (edge[0], *points, edge[1])


def _rows(nodes: Mapping[str, _Node]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(1 + max(node.layer for node in nodes.values()))]
    for node in nodes.values():
        rows[node.layer].append(node.name)
    return rows


def _order(rows: list[list[str]], nodes: Mapping[str, _Node], links: Sequence[tuple[str, str]]) -> None:
    """Order each layer by the mean place of the neighbours above, then below, and keep the best seen."""
    near: dict[str, list[str]] = {name: [] for name in nodes}
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    turns = {  # where a back edge turns round: beside the box in its own layer
        name: beside[0]
        for name, node in nodes.items()
        if node.waypoint and (beside := [one for one in near[name] if nodes[one].layer == node.layer])
    }
    for row in rows:
        _put_turns(row, turns)
    best, fewest = [list(row) for row in rows], _crossings(rows, nodes, links)
    for sweep in range(ORDER_SWEEPS):
        down = sweep % 2 == 0
        for index in range(len(rows)) if down else reversed(range(len(rows))):
            place = {name: spot for row in rows for spot, name in enumerate(row)}
            beside_layer = index - 1 if down else index + 1

            def mean(name: str, place: dict[str, int] = place, layer: int = beside_layer) -> float:
                spots = [place[other] for other in near[name] if nodes[other].layer == layer]
                return sum(spots) / len(spots) if spots else place[name]

            rows[index].sort(key=mean)
            _put_turns(rows[index], turns)
        crossings = _crossings(rows, nodes, links)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _put_turns(row: list[str], turns: Mapping[str, str]) -> None:
    """Put each turning point right of its box, the others staying in order."""
    moved = [name for name in row if name in turns]
    row[:] = [name for name in row if name not in turns]
    for name in reversed(moved):
        row.insert(row.index(turns[name]) + 1, name)


def _crossings(
    rows: Sequence[Sequence[str]], nodes: Mapping[str, _Node], links: Sequence[tuple[str, str]]
) -> int:
    place = {name: spot for row in rows for spot, name in enumerate(row)}
    count = 0
    by_gap: dict[int, list[tuple[int, int]]] = {}
    for one, other in links:
        upper, lower = (one, other) if nodes[one].layer < nodes[other].layer else (other, one)
        if nodes[upper].layer != nodes[lower].layer:
            by_gap.setdefault(nodes[upper].layer, []).append((place[upper], place[lower]))
        else:  # a back edge that turns round passes everything between
            count += abs(place[upper] - place[lower]) - 1
    for pairs in by_gap.values():
        for index, (up, low) in enumerate(pairs):
            count += sum((up - a) * (low - b) < 0 for a, b in pairs[index + 1 :])
    return count


def _place(
    rows: Sequence[Sequence[str]], nodes: Mapping[str, _Node], links: Sequence[tuple[str, str]]
) -> None:
    """Give every node its x: as near as it can to the mean of its neighbours, in the order of its layer."""
    near: dict[str, list[str]] = {name: [] for name in nodes}
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    for row in rows:
        x = 0.0
        for name in row:
            nodes[name].x = x + nodes[name].width / 2
            x += nodes[name].width + BOX_GAP
    for sweep in range(PLACE_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for name in row:
                others = near[name]
                # a waypoint counts more to a waypoint, so that long edges run straight
                weights = [4.0 if nodes[name].waypoint and nodes[one].waypoint else 1.0 for one in others]
                total = sum(weights)
                wanted.append(
                    sum(nodes[one].x * weight for one, weight in zip(others, weights, strict=True)) / total
                    if total
                    else nodes[name].x
                )
            for name, x in zip(row, _apart([nodes[name] for name in row], wanted), strict=True):
                nodes[name].x = x


def _apart(row: Sequence[_Node], wanted: Sequence[float]) -> list[float]:
    """The places nearest to those wanted (least squares) at which nobody overlaps.

    With the distances taken off, this is isotonic regression; solved by pooling adjacent violators.
    """
    offsets = [0.0]
    for left, right in itertools.pairwise(row):
        gap = LANE_GAP if left.waypoint or right.waypoint else BOX_GAP
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + gap)
    pools: list[tuple[float, int]] = []  # sum of what is wanted, how many
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, many = pools.pop()
            total, count = total + more, count + many
        pools.append((total, count))
    bases = [total / count for total, count in pools for _ in range(count)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


def _tops(
    boxes: Sequence[Box], layer_of: Mapping[str, int], count: int, gap: float
) -> list[tuple[float, float]]:
    heights = [0.0] * count
    for box in boxes:
        heights[layer_of[box.name]] = max(heights[layer_of[box.name]], box.height)
    edges, y = [], 0.0
    for height in heights:
        edges.append((y, y + height))
        y += height + gap
    return edges
