"""A dry run shows whom a policy would ring, when and why, with the real router."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from acd.policy import load_policy
from cti.policyadmin import differences
from cti.policytry import Case, CasesWrong, TriedAgent, TriedCall, load_cases, try_case

POLICY = load_policy()


def agent(name: str, ready_at: float = 0, **skills: int) -> TriedAgent:
    return TriedAgent(id=name, skills=skills, ready_at=ready_at)


def case(*agents: TriedAgent, calls: tuple[TriedCall, ...], until: float = 120) -> Case:
    return Case(title="a case", agents=agents, calls=calls, until=until)


def call(name: str, queue: str = "general", at: float = 10, leaves_at: float | None = None) -> TriedCall:
    return TriedCall(id=name, queue=queue, at=at, leaves_at=leaves_at)


def test_an_offer_says_when_whom_and_why() -> None:
    (tried,) = try_case(POLICY, case(agent("a", general=2), agent("b", general=4), calls=(call("c"),)))
    assert (tried.at, tried.call, tried.agent) == (10, "c", "b")
    assert "综合 4 级" in tried.why
    assert "其他可接的空闲坐席：a" in tried.why


def test_a_missed_ring_shows_the_next_agent() -> None:
    agents = (TriedAgent(id="a", skills={"general": 5}, misses=True), agent("b", general=2))
    tried = try_case(POLICY, case(*agents, calls=(call("c"),)))
    assert [one.agent for one in tried] == ["a", "b"]


def test_a_call_that_nobody_takes_is_shown_as_waiting() -> None:
    tried = try_case(POLICY, case(agent("a", sign_video=1), calls=(call("c"),), until=30))
    assert [(one.agent, one.at) for one in tried] == [("", 30)]
    assert "仍在等候 20 秒" in tried[0].why


def test_a_citizen_who_gives_up_is_shown() -> None:
    tried = try_case(POLICY, case(calls=(call("c", leaves_at=25),)))
    assert [(one.at, one.why) for one in tried] == [(25, "市民等不及挂机")]


def test_an_agent_takes_one_call_after_another() -> None:
    calls = (call("first", at=1), call("second", at=2))
    tried = try_case(POLICY, case(agent("a", general=3), calls=calls, until=600))
    assert [one.call for one in tried] == ["first", "second"]
    assert tried[1].at > tried[0].at + 60


def test_a_case_names_what_the_router_refuses() -> None:
    twice = (agent("a", general=1), agent("a", general=2))
    with pytest.raises(CasesWrong, match="a case"):
        try_case(POLICY, case(*twice, calls=(call("c"), call("c"))))


def test_the_shipped_cases_play_under_the_shipped_policy() -> None:
    played = {one.title: try_case(POLICY, one) for one in load_cases()}
    assert len(played) >= 8
    assert [title for title, tried in played.items() if not tried] == []


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("cases.jsonl", '{"title": "x"}', "cases.jsonl:1"),
        ("cases.jsonl", "no json", "cases.jsonl"),
        ("cases.jsonl", "", "0 cases"),
        ("cases.yaml", "title: x", "no list"),
        ("cases.yaml", "- {title: x, calls: [], agents: []}", "case 1"),
        ("cases.yaml", "- {title: x, calls: [{id: c, queue: q, when: 3}], agents: []}", "when"),
        ("cases.yaml", "- [", "cases.yaml"),
    ],
)
def test_cases_that_cannot_be_meant_are_refused(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CasesWrong, match=complaint):
        load_cases(file)


def test_cases_come_one_json_object_a_line(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(
        '{"title": "one", "agents": [], "calls": [{"id": "c", "queue": "general"}]}\n\n', encoding="utf-8"
    )
    assert [one.title for one in load_cases(file)] == ["one"]


# ---------------------------------------------------------------- what changes


def changed(**queue: object) -> list[str]:
    general, *others = POLICY.queues
    proposed = msgspec.structs.replace(POLICY, queues=(msgspec.structs.replace(general, **queue), *others))
    return list(differences(POLICY, proposed))


def test_the_same_policy_has_no_differences() -> None:
    assert list(differences(POLICY, load_policy())) == []


def test_a_changed_value_is_told_in_words() -> None:
    assert changed(ring_limit_s=20.0) == ["队列 综合（general） 振铃时限（秒）：15 → 20"]


def test_a_changed_need_names_its_skill() -> None:
    assert changed(needs={"general": 2}) == ["队列 综合（general） 需要的技能 general：1 → 2"]


def test_new_and_removed_queues_and_another_order_are_told() -> None:
    first, second, *rest = POLICY.queues
    new = msgspec.structs.replace(first, name="harbour", title="港口")
    removed = msgspec.structs.replace(POLICY, queues=(second, first, *rest[1:], new))
    told = list(differences(POLICY, removed))
    assert any(line.startswith("队列 港口（harbour）：新增") for line in told)
    assert f"队列 {rest[0].title}（{rest[0].name}）：删除" in told
    assert "队列：次序改变" in told
