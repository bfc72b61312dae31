"""A drawn flow shows every step and every way, and no box covers another."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows.draw import draw, text_width, wrapped
from ivr_flows.layout import Box, Layout, arrange
from ivr_flows.loader import load_flows, parse_flow
from ivr_flows.schema import ENDS, STEP_KINDS
from ivr_flows.speech import load_manifest
from ivr_flows.told import END_NAMES, KIND_NAMES, Names

FLOWS = load_flows()
NAMES = Names(
    prompts={key: prompt.text for key, prompt in load_manifest().prompts.items()},
    routing={"general": "综合"},
    flows={flow.name: flow.title for flow in FLOWS.by_name.values()},
)
SVG = "{http://www.w3.org/2000/svg}"

SMALL = """
flow: small
title: 小<流程>
start: ask
resume: person
after_talk: bye
steps:
  ask:
    kind: menu
    prompts: [greeting]
    keys: {"1": person, "2": person, "9": bye}
    no_key: person
    wrong_key: again
    error: hang_up
  again: {kind: announce, prompts: [invalid_key], next: person, error: person}
  person: {kind: route, queue: general, needs: {general: 2}, next: bye, error: give_up}
  bye: {kind: announce, prompts: [goodbye], next: hang_up, error: hang_up}
"""


def texts(svg: str) -> str:
    root = ElementTree.fromstring(svg)  # noqa: S314 (our own)
    return "\n".join(element.text or "" for element in root.iter(f"{SVG}text"))


def drawn(text: str = SMALL) -> str:
    return draw(parse_flow(text.encode()), NAMES)


@pytest.mark.parametrize("name", FLOWS.by_name)
def test_every_step_of_a_shipped_flow_is_in_its_picture(name: str) -> None:
    flow = FLOWS.by_name[name]
    shown = texts(draw(flow, NAMES))
    assert flow.title in shown
    assert [step for step in flow.steps if step not in shown] == []


@pytest.mark.parametrize("name", FLOWS.by_name)
def test_every_way_between_two_steps_has_an_arrow(name: str) -> None:
    flow = FLOWS.by_name[name]
    ways = {
        (step, target)
        for step, what in flow.steps.items()
        for _, target in what.exits()
        if target not in ENDS and target != step
    }
    assert draw(flow, NAMES).count("marker-end") == len(ways)


def test_keys_that_lead_to_the_same_step_share_an_arrow() -> None:
    assert "按 1、2、未按键" in texts(drawn())


def test_ways_that_end_the_call_are_written_in_the_box() -> None:
    shown = texts(drawn())
    assert "■ 出错 → 挂机" in shown
    assert "■ 出错 → 由拨号方案转人工" in shown


def test_a_way_taken_only_after_a_mishap_is_dashed() -> None:
    dashed = re.findall(r"<path[^>]*stroke-dasharray", drawn())
    assert len(dashed) == 1


def test_the_picture_says_what_citizens_hear_and_where_they_wait() -> None:
    shown = texts(drawn())
    assert "您好，12345热线，通话将被录音。" in shown
    assert "队列：综合" in shown
    assert "需要 综合≥2" in shown


def test_a_title_with_markup_stays_text() -> None:
    assert "小<流程>" in texts(drawn())


def test_the_picture_is_the_same_every_time() -> None:
    assert drawn() == drawn()


def test_every_kind_of_step_and_end_has_a_chinese_name() -> None:
    assert STEP_KINDS.keys() <= KIND_NAMES.keys()
    assert END_NAMES.keys() == ENDS


@given(st.text(alphabet="您好abc_1，。 ", max_size=60), st.integers(min_value=40, max_value=300))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrapped(text, width, 13)
    assert "".join(lines) == text
    longest_word = max((text_width(word, 13) for word in re.findall(r"[a-c_1]+", text)), default=0)
    hanging = 13 * max((len(run) for run in re.findall("[，。]+", text)), default=0)
    assert all(text_width(line, 13) <= max(width, longest_word, 13) + hanging for line in lines)


# ---------------------------------------------------------------- the layout

Graph = tuple[list[Box], list[tuple[str, str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(min_value=1, max_value=14))
    names = [f"n{number}" for number in range(count)]
    boxes = [
        Box(name=name, width=draw(st.integers(20, 300)), height=draw(st.integers(20, 200))) for name in names
    ]
    edges = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=30))
    return boxes, edges


def arranged(graph: Graph) -> Layout:
    boxes, edges = graph
    return arrange(boxes, edges, starts=[boxes[0].name], layer_gap=50)


@given(graphs())
def test_boxes_never_overlap(graph: Graph) -> None:
    layout = arranged(graph)
    placed = [(layout.places[box.name], box) for box in graph[0]]
    for index, (a, one) in enumerate(placed):
        for b, other in placed[index + 1 :]:
            beside = a.x + one.width <= b.x + 0.01 or b.x + other.width <= a.x + 0.01
            above = a.y + one.height <= b.y or b.y + other.height <= a.y
            assert beside or above


@given(graphs())
def test_no_edge_passes_through_a_box(graph: Graph) -> None:
    layout = arranged(graph)
    for lanes in layout.lanes.values():
        for lane in lanes:
            for box in graph[0]:
                place = layout.places[box.name]
                if lane.top <= place.y <= lane.bottom:
                    assert not place.x < lane.x < place.x + box.width


@given(graphs())
def test_edges_lead_down_unless_they_close_a_circle(graph: Graph) -> None:
    layout = arranged(graph)
    for source, target in layout.lanes:
        upper, lower = layout.places[source].layer, layout.places[target].layer
        assert (upper >= lower) == ((source, target) in layout.back)


@given(graphs())
def test_everything_stays_inside_the_picture(graph: Graph) -> None:
    layout = arranged(graph)
    for box in graph[0]:
        place = layout.places[box.name]
        assert place.x >= -0.01
        assert place.x + box.width <= layout.width + 0.01
        assert place.y + box.height <= layout.height
