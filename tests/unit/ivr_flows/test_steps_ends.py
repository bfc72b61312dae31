"""Steps that bring the caller somewhere: in line, to a call-back, a message, a number outside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr_flows.engine import FlowRun, FlowState, Surroundings
from ivr_flows.messages import (
    Collect,
    Collected,
    Done,
    Failed,
    HangUp,
    LeftLine,
    LookedUp,
    OfferCallback,
    Play,
    Played,
    Record,
    Recorded,
    Route,
    TransferOut,
    TransferOver,
)
from tests.unit.ivr_flows.flow_of import ANY_KEY, flow_of, last, walk

FAILED = Play(prompts=("fallback",), keys=ANY_KEY)
BYE = Play(prompts=("goodbye",), keys=ANY_KEY)

# ---------------------------------------------------------------- route

LINE = flow_of(
    """
start: {kind: lookup, known: line, unknown: line, error: line}
line:
  kind: route
  queue: general
  needs: {general: 1}
  queue_from: fact.number_queue
  greeting: [connecting]
  listen: true
  listen_invite: [speak_while_waiting]
  keys: {"1": offer}
  keys_hint: [callback_offer]
  max_wait_s: 60
  max_wait: offer
  next: bye
  error: give_up
offer: {kind: menu, prompts: [keys], keys: {"1": bye}, no_key: line, wrong_key: line, error: line}
"""
)
IN_LINE = Route(
    queue="general",
    needs={"general": 1},
    greeting=("connecting",),
    listen=True,
    listen_invite=("speak_while_waiting",),
    keys=("1",),
    keys_hint=("callback_offer",),
    max_wait_s=60.0,
)
AGAIN = replace(IN_LINE, greeting=(), listen_invite=())
KNOWN = LookedUp(facts={"known": "yes", "last_agent": "li", "case_owner": "wang"})


def test_agents_who_know_the_matter_are_preferred() -> None:
    assert last(LINE, KNOWN) == replace(IN_LINE, prefer=("li", "wang"))


def test_a_fact_may_name_the_queue() -> None:
    assert last(LINE, LookedUp(facts={"number_queue": "care"})) == replace(IN_LINE, queue="care")
    assert last(LINE, LookedUp(facts={"number_queue": "not a queue"})) == IN_LINE


@pytest.mark.parametrize("event", [LeftLine(key="1"), LeftLine()])
def test_who_leaves_the_line_by_key_or_by_time_comes_back_without_greetings(event: LeftLine) -> None:
    run, _ = walk(LINE, LookedUp(facts={}), event)
    assert run.handle(Played()) == AGAIN
    assert run.handle(LeftLine(key="1")) == Play(prompts=("keys",), keys=ANY_KEY, wait_s=3.0)


def test_a_key_that_leads_nowhere_leaves_the_caller_in_line() -> None:
    assert last(LINE, LookedUp(facts={}), LeftLine(key="7")) == AGAIN


def test_a_server_that_dies_while_a_waiting_caller_thinks_brings_them_back_to_their_line() -> None:
    flow = flow_of(
        """
start: {kind: route, queue: care, needs: {care: 1}, keys: {"1": offer}, next: bye, error: give_up}
offer: {kind: menu, prompts: [keys], keys: {"1": bye}, no_key: start, wrong_key: start, error: start}
"""
    )
    run, _ = walk(flow, LeftLine(key="1"))
    successor = FlowRun.resume(flow, FlowState.load(run.saved()))
    assert successor.back_in_line() == Route(queue="care", needs={"care": 1}, keys=("1",))


# ---------------------------------------------------------------- callback

CALLBACK = flow_of(
    "start: {kind: callback, queue: general, needs: {general: 1}, next: hang_up, none: person, wrong: bye,"
    " error: failed, tries: 2}"
)
ENTER = Collect(prompts=("callback_enter",), most=20, first_s=6.0, next_s=4.0)
HERE = Surroundings(caller="12")
WITHHELD = Surroundings(caller="")


def confirmed(digits: str) -> Play:
    said = tuple("digit_1" if digit == "1" else f"number_{digit}" for digit in digits)
    prompts = ("callback_number_prefix", *said, "callback_confirm")
    return Play(prompts=prompts, keys=ANY_KEY, wait_s=6.0)


def test_the_calling_number_is_said_and_confirmed() -> None:
    run, action = walk(CALLBACK)
    assert action == replace(confirmed("13800001207"), flush=True)  # no key of before agrees to anything
    assert run.handle(Played(key="1")) == OfferCallback(number="", queue="general", needs={"general": 1})
    assert run.handle(Done()) == Play(prompts=("callback_accepted",), keys=ANY_KEY)
    assert run.handle(Played()) == HangUp(reason="finished")


@pytest.mark.parametrize("number", ["13900000000", "02552346789", "52346789"])
def test_another_number_is_typed_and_confirmed(number: str) -> None:
    run, action = walk(CALLBACK, Played(key="2"))
    assert action == ENTER
    assert run.handle(Collected(digits=number, ended=True)) == confirmed(number)
    assert run.handle(Played(key="1")) == OfferCallback(number=number, queue="general", needs={"general": 1})


def test_a_withheld_number_is_asked_for() -> None:
    assert last(CALLBACK, around=WITHHELD) == replace(ENTER, flush=True)
    assert last(CALLBACK, around=HERE) == replace(ENTER, flush=True)


@pytest.mark.parametrize("number", ["110", "12345", "1390000000000000", "abc"])
def test_a_number_that_is_none_is_asked_for_again_and_then_refused(number: str) -> None:
    typed = Collected(digits=number, ended=True)
    again = last(CALLBACK, typed, around=WITHHELD)
    assert again == replace(ENTER, prompts=("callback_invalid", "callback_enter"))
    assert last(CALLBACK, typed, typed, around=WITHHELD) == BYE


def test_who_changes_the_number_again_and_again_is_not_asked_for_ever() -> None:
    run, action = walk(CALLBACK)
    for _ in range(3):
        action = run.handle(Played(key="2"))
        if action == BYE:
            break
        run.handle(Collected(digits="13900000000"))
    assert action == BYE


def test_who_does_nothing_goes_on_waiting() -> None:
    assert isinstance(last(CALLBACK, Played()), Route)
    assert isinstance(last(CALLBACK, Played(key="2"), Collected()), Route)
    assert isinstance(last(CALLBACK, Played(key="8"), Played(key="8")), Route)


def test_a_call_back_that_cannot_be_kept_takes_its_exit() -> None:
    assert last(CALLBACK, Played(key="1"), Failed(reason="store")) == FAILED


def test_who_was_promised_a_call_back_is_not_put_in_line_again_by_a_restart() -> None:
    run, _ = walk(CALLBACK, Played(key="1"), Done())
    successor = FlowRun.resume(CALLBACK, FlowState.load(run.saved()))
    assert successor.back_in_line() == HangUp(reason="finished")


# ---------------------------------------------------------------- message, transfer

MESSAGE = flow_of("start: {kind: message, purpose: flood, next: bye, none: person, error: failed}")


def test_a_message_is_recorded_and_confirmed() -> None:
    run, action = walk(MESSAGE)
    assert action == Record(prompts=("leave_message",), purpose="flood")
    assert run.handle(Recorded(seconds=12.0)) == Play(prompts=("message_saved",), keys=ANY_KEY)
    assert run.handle(Played()) == BYE


def test_no_message_and_one_that_cannot_be_recorded_have_their_exits() -> None:
    assert isinstance(last(MESSAGE, Recorded(seconds=0.0)), Route)
    assert isinstance(last(MESSAGE, Recorded(seconds=0.4)), Route)
    assert last(MESSAGE, Failed(reason="disk full")) == FAILED


TRANSFER = flow_of(
    """
start: {kind: transfer, number_from: fact.number_transfer, greeting: [transfer], next: bye, busy: person,
        no_answer: person, failed: failed}
"""
)
SUBCENTRE = Surroundings(facts={"number_transfer": "02552346789"})


def test_a_number_outside_is_dialled() -> None:
    assert last(TRANSFER, around=SUBCENTRE) == TransferOut(number="02552346789", greeting=("transfer",))


@pytest.mark.parametrize(("result", "expected"), [("answered", BYE), ("failed", FAILED), ("strange", FAILED)])
def test_each_result_has_its_exit(result: str, expected: Play) -> None:
    assert last(TRANSFER, TransferOver(result=result), around=SUBCENTRE) == expected


@pytest.mark.parametrize("result", ["busy", "no_answer"])
def test_nobody_answers_outside(result: str) -> None:
    assert isinstance(last(TRANSFER, TransferOver(result=result), around=SUBCENTRE), Route)


def test_without_a_number_nothing_is_dialled() -> None:
    assert last(TRANSFER) == FAILED
