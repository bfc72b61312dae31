"""A routing policy is taken whole or refused with file, line, key, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.errors import PolicyError
from acd.policy import SHIPPED, Choice, load_policy, parse_policy

TEXT = SHIPPED.read_text(encoding="utf-8")


def refused(old: str, new: str) -> PolicyError:
    assert old in TEXT
    with pytest.raises(PolicyError) as caught:
        parse_policy(TEXT.replace(old, new, 1).encode(), name="policy.yaml")
    return caught.value


def test_the_shipped_policy_has_the_seats_that_a_city_needs() -> None:
    policy = load_policy()
    titles = {skill.title for skill in policy.skills}
    assert titles >= {
        "综合",
        "企业服务专席",
        "社保/人社",
        "公积金",
        "手语视频",
        "心理支持",
        "紧急联动",
        "爱心",
        "粤语",
        "四川话",
        "闽南语",
        "英语",
    }
    assert policy.choice is Choice.BEST_SKILL_THEN_LONGEST_IDLE


def test_the_shipped_policy_has_the_queues_of_the_first_flow() -> None:
    needs = {queue.name: dict(queue.needs) for queue in load_policy().queues}
    for name in ("general", "enterprise", "social_security", "dialect", "sign_video"):
        assert needs[name] == {name: 1}


def test_every_shipped_dialect_and_sign_language_is_a_language() -> None:
    languages = {skill.name for skill in load_policy().languages}
    dialects = {"dialect", "dialect_cantonese", "dialect_sichuan", "dialect_minnan"}
    assert languages == {*dialects, "english", "sign_video"}


def test_the_version_follows_the_content_and_not_the_layout() -> None:
    version = load_policy().version
    assert parse_policy(b"# a remark\n" + TEXT.encode()).version == version
    assert parse_policy(TEXT.replace("ageing_s: 60", "ageing_s: 61").encode()).version != version


@pytest.mark.parametrize(
    ("old", "new", "key", "value", "remedy"),
    [
        ("{general: 1}", "{general: 9}", "queues[0].needs.general", 9, "level of 1 (beginner) to 5"),
        ("{general: 1}", "{genral: 1}", "queues[0].needs.genral", "genral", "name one of the skills"),
        ("ring_limit_s: 20", "ring_limit_s: -1", "queues[9].ring_limit_s", -1, ">= 3"),
        ("ring_limit_s: 20", "ring_limit: 20", "queues[9].ring_limit", 20, "no such key"),
        ("wrap_up_s: 90", "wrap_up_s: long", "queues[9].wrap_up_s", "long", "Expected `float`"),
        ("name: dialect\n", "name: general\n", "queues[4].name", "general", "its own name"),
        ("{name: dialect,", "{name: general,", "skills[12].name", "general", "its own name"),
        ("default_queue: general", "default_queue: nobody", "default_queue", "nobody", "name one of"),
        ("choice: best_skill_then_longest_idle", "choice: best", "choice", "best", "longest_idle"),
        ("place_every_s: 5", "place_every_s: .inf", "place_every_s", float("inf"), "<= 600"),
    ],
)
def test_an_error_names_line_key_value_and_remedy(
    old: str, new: str, key: str, value: object, remedy: str
) -> None:
    error = refused(old, new)
    assert (error.file, error.key, error.value) == ("policy.yaml", key, value)
    assert remedy in error.remedy
    assert error.line == TEXT[: TEXT.index(old)].count("\n") + 1


RICH = """
skills: [{name: general, title: 综合}, {name: help, title: 社保}, {name: sign, title: 手语}]
queues:
  - {name: general, title: 综合, needs: {general: 1}, reserve: {sign: 1}}
  - name: help
    title: 社保
    needs: {help: 4}
    hours: office
    night: general
    relax:
      - {after_s: 10, needs: {help: 3}}
      - {after_s: 20, queues: [general], when_waiting_over: 30, when_expected_over_s: 90}
      - {after_s: 120, centre: "95588"}
default_queue: general
time_zone: Asia/Shanghai
hours:
  office: [{days: [mon, tue], opens: "08:30", closes: "18:00"}]
"""


def test_a_policy_may_say_everything() -> None:
    help_ = parse_policy(RICH.encode()).queues[1]
    assert [step.after_s for step in help_.relax] == [10, 20, 120]
    assert (help_.relax[1].when_waiting_over, help_.relax[1].when_expected_over_s) == (30, 90)
    assert help_.relax[2].centre == "95588"


@pytest.mark.parametrize(
    ("old", "new", "key", "remedy"),
    [
        ("{help: 3}}", "{helpp: 3}}", "queues[1].relax[0].needs.helpp", "name one of the skills"),
        ("{help: 3}}", "{help: 0}}", "queues[1].relax[0].needs.help", "level of 1"),
        ("needs: {help: 3}}", 'centre: "95588"}', "queues[1].relax[0].centre", "make it the last step"),
        ("needs: {help: 3}}", "}", "queues[1].relax[0]", "exactly one of needs, queues and centre"),
        ("after_s: 20", "after_s: 10", "queues[1].relax[1].after_s", "order the steps by time"),
        ("after_s: 20", "after_s: -1", "queues[1].relax[1].after_s", ">= 0"),
        ("queues: [general], when", "needs: {help: 4}, when", "queues[1].relax[1].needs.help", "only lower"),
        (
            "queues: [general]",
            "queues: [help]",
            "queues[1].relax[1].queues[0]",
            "name one of the other queues",
        ),
        (
            "queues: [general]",
            "queues: [none]",
            "queues[1].relax[1].queues[0]",
            "name one of the other queues",
        ),
        ("waiting_over: 30", "waiting_over: many", "queues[1].relax[1].when_waiting_over", "Expected `int"),
        ('"95588"', '"call us"', "queues[1].relax[2].centre", "regex"),
        ("reserve: {sign: 1}", "reserve: {magic: 1}", "queues[0].reserve.magic", "name one of the skills"),
        ("reserve: {sign: 1}", "reserve: {general: 1}", "queues[0].reserve.general", "does not need"),
        ("reserve: {sign: 1}", "reserve: {sign: 0}", "queues[0].reserve[...]", ">= 1"),
        ("    night: general\n", "", "queues[1].hours", "both hours and night"),
        ("night: general", "night: help", "queues[1].night", "name one of the always open queues"),
        ("hours: office\n", "hours: weekend\n", "queues[1].hours", "name one of the opening hours"),
        ("Asia/Shanghai", "Asia/Nowhere", "time_zone", "like Asia/Shanghai"),
        ("Asia/Shanghai", "../../etc/passwd", "time_zone", "like Asia/Shanghai"),
        ('"18:00"', "18:00", "hours[...][0].closes", "in quotes"),
        ('"08:30"', '"25:00"', "hours[...][0].opens", "in quotes"),
        ("[mon, tue]", "[mon, someday]", "hours[...][0].days[1]", "Invalid enum value"),
        ("title: 手语}", "title: 手语, kind: magic}", "skills[2].kind", "skill, language"),
    ],
)
def test_an_error_in_the_newer_keys_is_named(old: str, new: str, key: str, remedy: str) -> None:
    assert old in RICH
    with pytest.raises(PolicyError) as caught:
        parse_policy(RICH.replace(old, new, 1).encode(), name="policy.yaml")
    assert caught.value.key == key
    assert remedy in caught.value.remedy
    where = RICH[: RICH.index(old)].count("\n") + 1
    assert caught.value.line in (where, where - 1)  # the line, or that of the key which holds it


def test_a_key_said_twice_is_refused() -> None:
    error = refused("    wrap_up_s: 90", "    wrap_up_s: 90\n    wrap_up_s: 10")
    assert (error.key, error.remedy) == ("queues[9].wrap_up_s", "say each key once")


def test_broken_yaml_is_refused_with_its_line() -> None:
    error = refused("default_queue: general", "default_queue: [general")
    assert error.line > 30
    assert error.remedy == "correct the YAML"


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(PolicyError, match="save it as UTF-8"):
        parse_policy(TEXT.encode("gbk"))


def test_a_file_of_aliases_that_would_explode_is_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(PolicyError, match="keep it under"):
        parse_policy("\n".join(rows).encode())


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(PolicyError, match="Expected `object`, got `null`"):
        parse_policy(b"")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="make it readable"):
        load_policy(tmp_path / "absent.yaml")


def test_a_queue_is_served_at_the_lowest_level_that_it_is_relaxed_to() -> None:
    serving = {queue.name: dict(queue.serving) for queue in load_policy().queues}
    assert serving["english"] == {"english": 1}  # needs 3, after ten seconds 1
    assert serving["general"] == {"general": 1}
