"""What is done about an agent's telephone that vanishes in a talk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.control.phone_policy import answers_itself
from cti.control.rejoin import TABLE, Act, Happened, IllegalRejoin, Step, flows, step

H, S = Happened, Step


def after(*events: Happened) -> tuple[Step, list[Act]]:
    """The state after these events, and everything that was to be done."""
    state, done = S.TALKING, list[Act]()
    for event in events:
        state, acts = step(state, event)
        done += acts
    return state, done


def test_a_registration_that_changes_while_sound_comes_disturbs_nobody() -> None:
    assert after(H.DOUBT, H.DOUBT, H.HERE, H.FLOWING) == (S.TALKING, [Act.LOOK])


def test_a_silent_leg_is_kept_and_rung_when_its_telephone_is_there() -> None:
    assert after(H.DOUBT, H.SILENT, H.HERE, H.ANSWERED) == (
        S.TALKING,
        [Act.LOOK, Act.KEEP, Act.RING, Act.JOIN],
    )


def test_a_page_without_a_leg_is_believed_only_after_a_look() -> None:
    assert after(H.ASKED, H.FLOWING) == (S.TALKING, [Act.LOOK])
    assert after(H.ASKED, H.SILENT) == (S.KEPT, [Act.LOOK, Act.KEEP])


def test_a_leg_that_asterisk_ended_for_silence_needs_no_look() -> None:
    assert after(H.LOST) == (S.KEPT, [Act.KEEP])


def test_a_ring_in_vain_is_tried_again() -> None:
    assert after(H.LOST, H.HERE, H.UNANSWERED, H.HERE)[1].count(Act.RING) == 2


def test_a_telephone_that_does_not_come_back_is_given_up() -> None:
    assert after(H.LOST, H.TIME_UP) == (S.OVER, [Act.KEEP, Act.GIVE_UP])
    assert after(H.LOST, H.HERE, H.TIME_UP) == (S.OVER, [Act.KEEP, Act.RING, Act.STOP, Act.GIVE_UP])


def test_nobody_is_rung_for_a_citizen_who_is_gone() -> None:
    assert after(H.LOST, H.HERE, H.CITIZEN_GONE) == (S.OVER, [Act.KEEP, Act.RING, Act.STOP])


def test_what_cannot_happen_is_named() -> None:
    with pytest.raises(IllegalRejoin, match="answered is not legal in state talking"):
        step(S.TALKING, H.ANSWERED)
    with pytest.raises(IllegalRejoin, match="doubt is not legal in state over"):
        step(S.OVER, H.DOUBT)


@given(st.lists(st.sampled_from(Happened), max_size=30))
def test_a_citizen_is_kept_once_and_rung_for_one_at_a_time(events: list[Happened]) -> None:
    state, kept, ringing = S.TALKING, False, False
    for event in events:
        if event not in TABLE[state]:
            continue
        state, acts = step(state, event)
        for act in acts:
            if act is Act.KEEP:
                assert not kept
                kept = True
            if act is Act.RING:
                assert kept and not ringing
            if act is Act.GIVE_UP:
                assert kept
        kept = kept and state in (S.KEPT, S.RINGING)
        ringing = state is S.RINGING


def test_a_last_late_packet_is_not_speech() -> None:
    assert flows(100, 112)
    assert not flows(100, 102)
    assert not flows(100, None)
    assert not flows(None, 50)


def test_policy_answers_by_queue_by_person_or_everything() -> None:
    policy = answers_itself(("general",), ("li",))
    assert [policy("general", "wang"), policy("dialect", "li"), policy("dialect", "wang")] == [
        True,
        True,
        False,
    ]
    assert answers_itself(("*",), ())("anything", "anybody")
    assert not answers_itself((), ())("general", "li")
