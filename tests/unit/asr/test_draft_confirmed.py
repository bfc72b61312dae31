"""A place that the agent named counts once the citizen has said yes to it."""

from __future__ import annotations

import pytest

from asr.draft_confirmed import with_confirmed
from asr.draft_lines import citizen_lines
from asr.messages import Line, Speaker


def places_of(agent: str, citizen: str) -> list[str]:
    lines = [
        Line(speaker=Speaker.AGENT, text=agent, start=0.0, end=1.0),
        Line(speaker=Speaker.CITIZEN, text=citizen, start=1.0, end=2.0),
    ]
    return [said.text for said in with_confirmed(citizen_lines(lines))][:-1]


@pytest.mark.parametrize(
    ("agent", "citizen", "place"),
    [
        ("是松岭区的岭秀山庄吗？", "是的，你们快来。", "松岭区的岭秀山庄"),
        ("请问您是在南渡区码头街道吗？", "对，南渡区。", "南渡区码头街道"),
        ("好的，您说的是朝晖路那边，对吧？", "嗯，没错。", "朝晖路"),
    ],
)
def test_a_place_that_was_confirmed_is_read_like_the_citizens_own(
    agent: str, citizen: str, place: str
) -> None:
    assert places_of(agent, citizen) == [place]


@pytest.mark.parametrize(
    ("agent", "citizen"),
    [
        ("是松岭区的岭秀山庄吗？", "不是，是岭南山庄。"),
        ("是松岭区的岭秀山庄吗？", "对面那个小区。"),
        ("是松岭区还是望澜区？", "是的。"),
        ("您是居民医保吗？", "是的。"),
        ("请问是哪个小区？", "是的，金桂苑。"),
    ],
)
def test_nothing_else_that_an_agent_says_is_the_citizens(agent: str, citizen: str) -> None:
    assert places_of(agent, citizen) == []
