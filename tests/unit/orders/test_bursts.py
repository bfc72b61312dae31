"""Waves of calls: found by callers, matter and place; one citizen who calls again and again makes none."""

from __future__ import annotations

import itertools
import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from orders.bursts import Burst, BurstFinder, BurstPolicy, Mention, Scale

NOW = 1_800_000_000.0
WATER = "城乡建设/供水/停水"
POLICY = BurstPolicy()


def said(caller: str, place: str = "翠湖小区", *, at: float = NOW, order: str = "", **more: str) -> Mention:
    given = {"category": WATER, "district": "城东区", "street": "湖滨街道", **more}
    return Mention(order_id=order or f"o-{caller}-{place}", at=at, caller=caller, place=place, **given)


def found(*mentions: Mention, now: float = NOW, policy: BurstPolicy = POLICY) -> tuple[Burst, ...]:
    finder = BurstFinder(policy)
    for mention in mentions:
        finder.take(mention, now)
    return finder.changes(now)


def test_three_callers_about_one_matter_at_one_place_are_a_wave() -> None:
    (burst,) = found(said("a"), said("b"), said("c"))

    assert (burst.scale, burst.category, burst.place, burst.callers) == (
        Scale.PLACE, "城乡建设/供水", "翠湖小区", 3,
    )  # fmt: skip
    assert burst.title == "城东区翠湖小区 · 供水"
    assert set(burst.orders) == {"o-a-翠湖小区", "o-b-翠湖小区", "o-c-翠湖小区"}


def test_one_caller_who_calls_thrice_is_no_wave() -> None:
    assert found(*(said("a", order=f"o{turn}") for turn in range(9))) == ()


def test_withheld_numbers_count_as_one_caller() -> None:
    assert found(said("", order="1"), said("", order="2"), said("", order="3"), said("a")) == ()


def test_another_matter_or_another_place_counts_apart() -> None:
    assert found(said("a"), said("b"), said("c", category="城乡建设/供电")) == ()
    assert found(said("a"), said("b"), said("c", "南苑小区")) == ()


def test_what_is_older_than_the_window_does_not_count() -> None:
    assert found(said("a", at=NOW - 900), said("b"), said("c")) == ()


def test_many_places_of_one_street_are_a_wave_of_the_street() -> None:
    (burst,) = found(*(said(str(number), f"第{number}小区") for number in range(5)))

    assert (burst.scale, burst.place, burst.callers) == (Scale.STREET, "湖滨街道", 5)


def test_complaints_about_one_company_come_together_wherever_they_are_from() -> None:
    mentions = (
        said(str(n), "", district=f"{n}区", street="", subject="乐动健身", category="市场监管/预付卡")
        for n in range(4)
    )

    (burst,) = found(*mentions)

    assert (burst.scale, burst.place) == (Scale.SUBJECT, "乐动健身")


def test_a_draft_joins_when_its_place_becomes_known_and_leaves_when_it_was_another_matter() -> None:
    finder = BurstFinder(POLICY)
    for caller in "ab":
        finder.take(said(caller), NOW)
    finder.take(said("c", "", order="late"), NOW)
    assert finder.changes(NOW) == ()

    finder.take(said("c", order="late"), NOW + 5)
    (began,) = finder.changes(NOW + 5)
    finder.take(said("d"), NOW + 6)
    finder.take(said("c", order="late", category="城乡建设/供电"), NOW + 7)
    (grown,) = finder.changes(NOW + 7)

    assert began.callers == 3
    assert grown.burst_id == began.burst_id
    assert set(grown.orders) == {"o-a-翠湖小区", "o-b-翠湖小区", "o-d-翠湖小区"}


def test_an_order_that_was_given_up_never_was_a_mention() -> None:
    finder = BurstFinder(POLICY)
    for caller in "abc":
        finder.take(said(caller), NOW)
    finder.withdraw("o-c-翠湖小区")

    assert finder.changes(NOW) == ()


def test_a_wave_is_over_when_nobody_called_for_a_while_and_is_told_once() -> None:
    finder = BurstFinder(POLICY)
    for caller in "abc":
        finder.take(said(caller), NOW)
    (began,) = finder.changes(NOW)

    assert finder.changes(NOW + 1799) == ()
    (ended,) = finder.changes(NOW + 1800)
    assert (ended.burst_id, ended.over) == (began.burst_id, True)
    assert finder.changes(NOW + 1801) == ()


def test_a_wave_goes_on_after_a_restart() -> None:
    (before,) = found(*(said(caller) for caller in "abc"))
    finder = BurstFinder(POLICY)
    finder.restore([before], [said(caller) for caller in "abc"], NOW + 1000)

    assert finder.changes(NOW + 1000) == ()
    finder.take(said("d", at=NOW + 1001), NOW + 1001)
    (grown,) = finder.changes(NOW + 1001)
    assert (grown.burst_id, grown.callers) == (before.burst_id, 4)


CALLERS = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["甲", "乙"])), max_size=30)


@given(CALLERS)
def test_a_wave_at_a_place_means_enough_callers_there(calls: list[tuple[str, str]]) -> None:
    mentions = [
        said(who, where, order=str(turn), street="", district="") for turn, (who, where) in enumerate(calls)
    ]

    places = {burst.place for burst in found(*mentions)}

    assert places == {
        where for where in ("甲", "乙") if len({who for who, there in calls if there == where}) >= 3
    }


@given(CALLERS, st.randoms(use_true_random=False))
def test_the_order_in_which_drafts_grow_does_not_matter(
    calls: list[tuple[str, str]], chance: random.Random
) -> None:
    mentions = [
        said(who, where, order=f"{turn:03}", at=NOW - turn) for turn, (who, where) in enumerate(calls)
    ]
    mixed = mentions[:]
    chance.shuffle(mixed)

    def facts(bursts: tuple[Burst, ...]) -> set[tuple[object, ...]]:
        return {(b.scale, b.place, b.orders, b.callers, b.since, b.last) for b in bursts}

    assert facts(found(*mixed)) == facts(found(*mentions))


def test_the_policy_says_how_many() -> None:
    pair = msgspec.structs.replace(POLICY, place_callers=2)

    assert len(found(said("a"), said("b"), policy=pair)) == 1
    assert [len(found(*itertools.islice(map(said, "abcd"), n))) for n in (2, 3, 4)] == [0, 1, 1]
