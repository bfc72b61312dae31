"""One line out of several censuses: a call's server is believed about calls, a page's about agents."""

from __future__ import annotations

from typing import Any

import pytest

from acd.cluster_codec import CodecError, decode_down, decode_up, encode
from acd.cluster_merge import difference, merge
from acd.cluster_messages import Census, Granted, Step, Talk, Told
from acd.cluster_mirror import View
from acd.messages import (
    AgentChanged,
    AgentRecord,
    AgentState,
    CallQueued,
    Changes,
    NotReadyReason,
    Offer,
    OfferWithdrawn,
    WaitingRecord,
)

NOW = 100.0
S = AgentState


def agent(agent_id: str, state: AgentState = S.READY, **more: Any) -> AgentRecord:
    return AgentRecord(agent_id=agent_id, state=state, since=50.0, skills={"general": 3}, **more)


def call(call_id: str, **more: Any) -> WaitingRecord:
    return WaitingRecord(
        call_id=call_id, queue="general", needs={"general": 1}, priority=0, since=40.0, **more
    )


def census(member: str, **more: Any) -> Census:
    return Census(member=member, epoch=1, seq=0, **more)


def test_calls_of_a_server_that_is_gone_leave_the_line_and_its_idle_agents_are_lost() -> None:
    merged = merge(View.of([agent("li")], [call("c1")]), [census("a")], NOW)
    assert merged.waiting == {}
    assert (merged.agents["li"].state, merged.agents["li"].reason) == (S.NOT_READY, NotReadyReason.LOST)
    assert merged.orphans["li"].state is S.READY


def test_a_call_that_still_rings_for_a_server_that_is_gone_keeps_the_agent_busy() -> None:
    ringing = agent("li", S.RINGING, call_id="c1", until=NOW + 5)
    known = View.of([ringing], [call("c1", offered_to="li")])
    merged = merge(known, [census("b", agents=(ringing,))], NOW)
    assert merged.waiting["c1"].offered_to == "li"
    assert "c1" not in merged.call_owner


def test_a_call_back_outlives_the_server_that_put_it_in_line() -> None:
    assert "c1" in merge(View.of([], [call("c1", callback=True)]), [], NOW).waiting


def test_the_server_of_a_call_is_believed_that_it_talks() -> None:
    ringing = agent("li", S.RINGING, call_id="c1", until=NOW + 5)
    talk = Talk(call_id="c1", agent_id="li", since=90.0)
    merged = merge(
        View(), [census("a", talks=(talk,)), census("b", agents=(ringing,), waiting=(call("c1"),))], NOW
    )
    assert (merged.agents["li"].state, merged.agents["li"].call_id) == (S.TALKING, "c1")
    assert "c1" not in merged.waiting


def test_two_calls_that_claim_one_agent_do_not_both_ring() -> None:
    ringing = agent("li", S.RINGING, call_id="c1", until=NOW + 5)
    first, second = call("c1", offered_to="li"), call("c2", offered_to="li")
    merged = merge(
        View(),
        [census("a", agents=(ringing,), waiting=(first,)), census("b", waiting=(second,))],
        NOW,
    )
    assert merged.waiting["c1"].offered_to == "li"
    assert merged.waiting["c2"].offered_to is None


def test_who_claimed_an_agent_last_has_them() -> None:
    before = census("a", agents=(agent("li", S.NOT_READY),), claims={"li": 10.0})
    after = census("b", agents=(agent("li"),), claims={"li": 20.0})
    merged = merge(View(), [after, before], NOW)
    assert merged.agent_owner == {"li": "b"}
    assert merged.agents["li"].state is S.READY


def test_what_rings_no_more_is_stopped_and_what_is_new_rings() -> None:
    old = View.of(
        [agent("li", S.RINGING, call_id="c1", until=110.0)], [call("c1", offered_to="li"), call("c2")]
    )
    new = View.of(
        [agent("li", S.RINGING, call_id="c2", until=110.0)], [call("c1"), call("c2", offered_to="li")]
    )
    told = difference(old, new, lambda _: True, NOW)
    assert [type(one) for one in told] == [OfferWithdrawn, AgentChanged, Offer]


def test_a_ring_that_became_a_talk_is_not_stopped() -> None:
    old = View.of([agent("li", S.RINGING, call_id="c1", until=110.0)], [call("c1", offered_to="li")])
    new = View.of([agent("li", S.TALKING, call_id="c1")], [])
    assert [type(one) for one in difference(old, new, lambda _: True, NOW)] == [AgentChanged]


def test_messages_are_read_as_they_were_written() -> None:
    queued = CallQueued(call_id="c", queue="general", needs={}, since=1.0, avoid=frozenset({"li"}))
    told = Told(member="a", seq=1, event=queued)
    whole = census("a", agents=(agent("li"),), waiting=(call("c"),), claims={"li": 1.0})
    granted = Granted(member="a", call_id="c", agent_id="li")
    assert [decode_up(encode(one)) for one in (told, whole, granted)] == [told, whole, granted]
    step = Step(
        leader="a", epoch=2, seq=3, changes=Changes(agents=(agent("li"),)), ask={"c": "b"},
        decisions=(Offer(call_id="c", agent_id="li", ring_until=3.0),),
    )  # fmt: skip
    assert decode_down(encode(step)) == step


@pytest.mark.parametrize("raw", [b"", b"[]", b'["Told", {}]', b'["Step", {"leader": 1}]', b'["Nothing", {}]'])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(CodecError, match="not a message of this line"):
        decode_up(raw)
