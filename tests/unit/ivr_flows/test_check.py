"""What `hotline check` says about flows."""

from __future__ import annotations

import yaml

from ivr_flows.check import check
from ivr_flows.loader import SHIPPED_FLOWS, parse_flow

TEXT = (SHIPPED_FLOWS / "citizen_line.yaml").read_text(encoding="utf-8")
QUEUES = {"general", "enterprise", "social_security", "dialect", "sign_video"}
MANIFEST = yaml.safe_load((SHIPPED_FLOWS.parent / "prompts" / "manifest.yaml").read_text(encoding="utf-8"))
PROMPTS = set(MANIFEST["prompts"])


def problems(
    text: str, queues: set[str] | None = None, prompts: set[str] | None = None
) -> list[tuple[str, str]]:
    """Key and value of what is found."""
    flow = parse_flow(text.encode(), name="flow.yaml")
    return [(one.key, one.value) for one in check(flow, queues or QUEUES, prompts or PROMPTS)]


def test_the_shipped_flow_has_no_problem_with_the_shipped_prompts() -> None:
    assert problems(TEXT) == []


def test_a_missing_prompt_is_named_with_its_line() -> None:
    flow = parse_flow(TEXT.encode(), name="flow.yaml")
    (found,) = check(flow, QUEUES, PROMPTS - {"keys"})
    assert str(found) == (
        f"flow.yaml:{TEXT[: TEXT.index('prompts: [greeting, keys]')].count(chr(10)) + 1}: "
        "steps.welcome.prompts[1] = 'keys': "
        "add it to the prompt manifest and build its audio, or correct its spelling"
    )


def test_missing_greetings_and_retries_are_found_too() -> None:
    assert problems(TEXT, prompts=PROMPTS - {"connecting_dialect", "survey_invalid"}) == [
        ("steps.dialect.greeting[0]", "connecting_dialect"),
        ("steps.survey.retry[0]", "survey_invalid"),
    ]


def test_a_queue_that_the_policy_does_not_have_is_named() -> None:
    assert problems(TEXT, queues=QUEUES - {"dialect"}) == [
        ("steps.dialect.queue", "dialect"),
        ("steps.dialect_callback.queue", "dialect"),
    ]


def test_a_step_that_nobody_reaches_is_named() -> None:
    text = TEXT.replace('      "3": dialect\n', "")
    assert problems(text) == [
        ("steps.dialect", "dialect"),
        ("steps.dialect_callback", "dialect_callback"),
    ]


def test_a_caller_who_presses_nothing_must_not_go_round_in_circles() -> None:
    text = TEXT.replace("no_key: general", "no_key: wrong_key").replace(
        "    next: general\n    error: general", "    next: welcome\n    error: general", 1
    )
    ((key, value),) = problems(text)
    assert (key, value) == ("steps.wrong_key.next", "welcome")


def test_a_key_that_leads_back_is_no_circle() -> None:
    text = TEXT.replace('"3": dialect', '"3": dialect\n      "9": welcome')
    assert problems(text) == []


def test_a_part_without_person_or_end_is_named() -> None:
    text = TEXT.replace('"3": dialect', '"3": dialect\n      "4": trap') + (
        "\n  trap: {kind: announce, prompts: [keys], next: trap2, error: trap2}"
        "\n  trap2: {kind: announce, prompts: [keys], next: trap, error: trap}\n"
    )
    found = problems(text)
    assert ("steps.trap", "trap") in found
    assert ("steps.trap2", "trap2") in found


def test_problems_come_in_the_order_of_their_lines() -> None:
    flow = parse_flow(TEXT.encode(), name="flow.yaml")
    lines = [one.line for one in check(flow, set(), set())]
    assert lines == sorted(lines)
    assert len(lines) > 10
