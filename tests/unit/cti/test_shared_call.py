"""Who is in a call, who has it, who writes it up: the moves of calls of more than two."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti import call as calls_of
from cti.call import Call
from cti.errors import IllegalCallMove
from cti.messages import CallState, Outcome, PartyState, TargetKind
from cti.parties import Party, SentTo

FRESH = Call(
    call_id="hl1-1.1", node="hl1", channel="PJSIP/city-1", caller="13800000001", called="12345",
    state=CallState.INCOMING, started=1.0, recording_started=1.0, state_since=1.0,
)  # fmt: skip


def talk() -> Call:
    """Agent li talks since second 5, the citizen waited since second 2."""
    call = calls_of.queued(calls_of.entered_flow(FRESH, 1.0), "general", {"general": 1}, 0, 2.0)
    return calls_of.answered(
        calls_of.ringing(call, "li", 4.0), "li", "PJSIP/8001-1", 5.0, agent_uniqueid="a1"
    )


def somebody(party_id: str = "p1", state: PartyState = PartyState.TALKING, agent: str = "") -> Party:
    kind = TargetKind.AGENT if agent else TargetKind.SERVICE
    return Party(
        party_id=party_id, kind=kind, title="某人", number="" if agent else "110", agent_id=agent,
        state=state, since=6.0, channel=f"PJSIP/{party_id}", uniqueid=f"u-{party_id}",
    )  # fmt: skip


def test_a_consultation_holds_the_citizen_and_ends_in_the_talk() -> None:
    call = calls_of.consulting(talk(), somebody(state=PartyState.RINGING), 6.0)
    assert (call.state, call.room, len(call.parties)) == (CallState.CONSULTING, True, 1)
    back = calls_of.together(calls_of.party_left(call, "p1"), 7.0)
    assert (back.state, back.parties, back.agent_id) == (CallState.TALKING, (), "li")


def test_nobody_is_rung_for_a_call_without_a_talk() -> None:
    waiting = calls_of.queued(calls_of.entered_flow(FRESH, 1.0), "general", {}, 0, 2.0)
    with pytest.raises(IllegalCallMove):
        calls_of.with_party(waiting, somebody())
    with pytest.raises(IllegalCallMove):
        calls_of.consulting(waiting, somebody(), 3.0)


def test_an_agent_who_leaves_others_behind_still_writes_the_call_up() -> None:
    call = calls_of.agent_stepped_out(calls_of.with_party(talk(), somebody()), 8.0)
    assert (call.state, call.agent_gone, call.agent_channel, call.writers) == (
        CallState.TALKING, True, "", ("li",),
    )  # fmt: skip
    assert call.agents == {"li"}
    assert calls_of.wrote_up(call, "li").agents == frozenset()


def test_a_call_that_moves_to_a_colleague_is_theirs_and_the_first_agent_writes() -> None:
    colleague = somebody(agent="wang")
    call = calls_of.talk_moved(calls_of.with_party(talk(), colleague), colleague, 8.0)
    assert (call.agent_id, call.agent_channel, call.parties) == ("wang", "PJSIP/p1", ())
    assert call.agents == {"wang", "li"}
    assert call.answered == 5.0


def test_a_call_in_line_again_keeps_since_when_it_waited_and_whoever_writes() -> None:
    sent = SentTo(queue="enterprise", reason="transfer", avoid=("li",))
    left = replace(calls_of.agent_stepped_out(talk(), 8.0), sent_to=sent)
    call = calls_of.queued(left, "general", {}, 0, 9.0)
    assert (call.queued, call.writers, call.agent_id, call.agent_gone) == (2.0, ("li",), None, False)
    assert call.sent_to is not None
    again = calls_of.answered(call, "li", "PJSIP/8001-2", 12.0)
    assert (again.sent_to, again.writers, again.answered) == (None, (), 5.0)


def test_110_stays_with_the_agent_when_the_citizen_hangs_up_but_a_colleague_does_not() -> None:
    call = calls_of.with_party(calls_of.with_party(talk(), somebody()), somebody("p2", agent="wang"))
    gone = calls_of.citizen_left(call, 9.0, writing=True)
    assert (gone.state, gone.outcome) == (CallState.WRAP_UP, Outcome.ANSWERED)
    assert [party.party_id for party in gone.parties] == ["p1"]
    alone = calls_of.citizen_left(calls_of.agent_stepped_out(call, 8.0), 9.0, writing=True)
    assert alone.parties == ()


@given(
    st.lists(st.sampled_from(["ask", "leave", "step_out", "move", "hold", "together", "queue"]), max_size=12)
)
def test_whatever_happens_the_call_can_be_kept_and_read_again(moves: list[str]) -> None:
    call = talk()
    for number, move in enumerate(moves):
        now = 10.0 + number
        try:
            if move == "ask":
                call = calls_of.with_party(call, somebody(f"p{number}", agent="wang" if number % 2 else ""))
            elif move == "leave" and call.parties:
                call = calls_of.party_left(call, call.parties[0].party_id)
            elif move == "step_out" and call.with_person:
                call = calls_of.agent_stepped_out(call, now)
            elif move == "move" and call.with_person and call.parties and call.parties[-1].agent_id:
                call = calls_of.talk_moved(call, call.parties[-1], now)
            elif move == "hold":
                call = calls_of.held(call, now)
            elif move == "together" and call.with_person:
                call = calls_of.together(call, now)
            elif move == "queue":
                call = calls_of.queued(call, "general", {}, 0, now)
        except IllegalCallMove:
            continue
        assert msgspec.json.decode(msgspec.json.encode(call), type=Call) == call
        assert call.queued == 2.0
        assert len({party.party_id for party in call.parties}) == len(call.parties)
