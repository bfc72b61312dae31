"""Which rule of time limits counts for an order, how wrong files are refused, how rules are explained."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.clock_file import SHIPPED_1345, load_clock_rules, parse_clock_rules
from orders.clock_rules import ClockRules, Facts, Limit
from orders.clock_spans import Near, Span, near_at
from orders.clock_words import explain
from orders.policy_file import PolicyError
from orders.workdays_file import load_workdays

CHINA = dt.timezone(dt.timedelta(hours=8))
TODAY = dt.date(2026, 11, 23)
SHIPPED = load_clock_rules()
DAYS = load_workdays()

_GENERAL = """rules:
  - id: general
    title: 一般
    limits:
      dispatch: {span: 1 workday}
      sign: {span: 1 workday}
      resolve: {span: 5 workdays}
"""


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def with_rules(*rules: str) -> ClockRules:
    return parse_clock_rules((_GENERAL + "".join(rules)).encode())


def rule(name: str, when: str, span: str, more: str = "") -> str:
    return (
        f"  - id: {name}\n    title: 规则\n    when: {{{when}}}\n"
        f"{more}    limits:\n      resolve: {{span: {span}}}\n"
    )


def chosen(rules: ClockRules, limit: Limit, facts: Facts, date: dt.date = TODAY) -> str:
    found = rules.chosen(limit, facts, date)
    return "" if found is None else found[0].rule_id


@pytest.mark.parametrize(
    ("facts", "limit", "span"),
    [
        (Facts(type="投诉", urgency="一般"), Limit.RESOLVE, "5 workdays"),
        (Facts(type="求助"), Limit.RESOLVE, "4 workdays"),
        (Facts(type="咨询", channel="web"), Limit.RESOLVE, "2 workdays"),
        (Facts(type="咨询", channel="phone"), Limit.RESOLVE, "1 workday"),
        (Facts(type="投诉", urgency="紧急"), Limit.ACCEPT, "15 minutes"),
        (Facts(type="投诉", urgency="紧急"), Limit.DISPATCH, "15 minutes"),
        (Facts(type="投诉", urgency="紧急"), Limit.CONTACT, "1 hour"),
        (Facts(type="投诉", urgency="特急"), Limit.CONTACT, "30 minutes"),
        (Facts(type="投诉", urgency="特急"), Limit.RESOLVE, "2 workdays"),
        (Facts(type="投诉", redo=True), Limit.RESOLVE, "3 workdays"),
        (Facts(), Limit.CLOSE, "15 workdays"),
    ],
)
def test_the_shipped_rules_give_the_limits_that_cities_publish(facts: Facts, limit: Limit, span: str) -> None:
    found = SHIPPED.chosen(limit, facts, TODAY)
    assert found is not None
    assert str(found[1].span) == span


@pytest.mark.parametrize(
    ("limit", "end"),
    [
        (Limit.ACCEPT, "2026-11-22T00:00"),
        (Limit.RESOLVE, "2026-11-24T00:00"),
        (Limit.TRACK, "2026-11-25T00:00"),
        (Limit.CLOSE, "2026-11-26T00:00"),
    ],
)
def test_the_1345_rule_is_one_three_four_and_five_days_from_receiving(limit: Limit, end: str) -> None:
    found = load_clock_rules(SHIPPED_1345).chosen(limit, Facts(type="投诉"), TODAY)
    assert found is not None
    received = at("2026-11-20T16:00")
    assert found[1].span.end(Facts(received_at=received).began(found[1].starts, received), DAYS) == at(end)


def test_every_order_has_the_limits_without_which_it_could_be_forgotten() -> None:
    for rules in (SHIPPED, load_clock_rules(SHIPPED_1345)):
        for limit in Limit:
            assert rules.chosen(limit, Facts(), TODAY) is not None


def test_the_rule_that_names_most_counts() -> None:
    rules = with_rules(
        rule("water", "categories: [城乡建设/供水]", "4 workdays"),
        rule("water_at", "categories: [城乡建设/供水], units: [u7]", "3 workdays"),
        rule("complaints", "types: [投诉]", "6 workdays"),
    )
    facts = Facts(type="投诉", category="城乡建设/供水/停水", unit="u7")
    assert chosen(rules, Limit.RESOLVE, facts) == "water_at"
    assert chosen(rules, Limit.RESOLVE, Facts(type="投诉", category="城乡建设/供水", unit="u8")) == "water"
    assert chosen(rules, Limit.RESOLVE, Facts(type="投诉", category="城乡建设/供热")) == "complaints"
    assert chosen(rules, Limit.RESOLVE, Facts(type="求助")) == "general"


def test_of_categories_the_deeper_path_counts_and_a_name_that_only_begins_alike_does_not() -> None:
    rules = with_rules(
        rule("city", "categories: [城乡建设]", "4 workdays"),
        rule("water", "categories: [城乡建设/供水]", "3 workdays"),
    )
    assert chosen(rules, Limit.RESOLVE, Facts(category="城乡建设/供水")) == "water"
    assert chosen(rules, Limit.RESOLVE, Facts(category="城乡建设/供水管网")) == "city"
    assert chosen(rules, Limit.RESOLVE, Facts(category="城乡建设规划")) == "general"


def test_of_rules_that_name_equally_many_urgency_comes_first() -> None:
    rules = with_rules(
        rule("unit", "units: [u7]", "9 workdays"),
        rule("urgent", "urgencies: [紧急]", "1 workday"),
        rule("type", "types: [投诉]", "8 workdays"),
    )
    facts = Facts(type="投诉", urgency="紧急", unit="u7")
    assert chosen(rules, Limit.RESOLVE, facts) == "urgent"
    assert chosen(rules, Limit.RESOLVE, Facts(type="投诉", unit="u7")) == "unit"


def test_a_rule_counts_from_its_first_day_to_its_last() -> None:
    rules = with_rules(
        rule("old", "types: [投诉]", "4 workdays", "    until: 2026-12-31\n"),
        rule("new", "types: [投诉]", "3 workdays", "    since: 2027-01-01\n    until: 2027-12-31\n"),
    )
    days = [dt.date(2026, 12, 31), dt.date(2027, 1, 1), dt.date(2027, 12, 31), dt.date(2028, 1, 1)]
    found = [chosen(rules, Limit.RESOLVE, Facts(type="投诉"), day) for day in days]
    assert found == ["old", "new", "new", "general"]


def test_a_limit_that_the_narrow_rule_does_not_set_comes_from_the_wide_one() -> None:
    rules = with_rules(rule("complaints", "types: [投诉]", "3 workdays"))
    assert chosen(rules, Limit.SIGN, Facts(type="投诉")) == "general"
    assert chosen(rules, Limit.TRACK, Facts(type="投诉")) == ""


_WHENS = st.fixed_dictionaries(
    {},
    optional={
        "types": st.sets(st.sampled_from(["投诉", "求助"]), min_size=1),
        "categories": st.sets(st.sampled_from(["甲", "甲/乙", "甲/乙/丙", "丁"]), min_size=1),
        "urgencies": st.sets(st.sampled_from(["一般", "紧急"]), min_size=1),
        "units": st.sets(st.sampled_from(["u1", "u2"]), min_size=1),
        "redo": st.booleans(),
    },
)
_FACTS = st.builds(
    Facts,
    type=st.sampled_from(["投诉", "求助"]),
    category=st.sampled_from(["甲", "甲/乙", "甲/乙/丙/戊", "丁", ""]),
    urgency=st.sampled_from(["一般", "紧急"]),
    unit=st.sampled_from(["u1", "u2"]),
    redo=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_WHENS, min_size=1, max_size=5), _FACTS)
def test_rules_that_were_taken_never_leave_open_which_one_counts(
    whens: list[dict[str, object]], facts: Facts
) -> None:
    texts = []
    for index, when in enumerate(whens):
        parts = [
            f"{key}: {str(value).lower() if isinstance(value, bool) else sorted(value)}"  # type: ignore[call-overload]
            for key, value in when.items()
        ]
        texts.append(rule(f"r{index}", ", ".join(parts), "1 workday"))
    try:
        rules = with_rules(*texts)
    except PolicyError as error:
        assert "as narrow" in error.remedy
        return
    keys = [one.when.narrowness(facts) for one in rules.rules]
    met = [key for key in keys if key is not None]
    assert len(met) == len(set(met))
    assert chosen(rules, Limit.RESOLVE, facts) == rules.rules[keys.index(max(met))].rule_id


@pytest.mark.parametrize(
    ("more", "line", "key", "remedy"),
    [
        (rule("general", "types: [投诉]", "1 workday"), 8, "rules[1].id", "an id of its own"),
        (rule("B", "types: [投诉]", "1 workday"), 8, "rules[1].id", "matching regex"),
        (rule("b", "types: [诉苦]", "1 workday"), 10, "rules[1].when.types[0]", "咨询, 求助"),
        (rule("b", "urgencies: [急]", "1 workday"), 10, "rules[1].when.urgencies[0]", "一般, 紧急"),
        (rule("b", "categories: [甲//乙]", "1 workday"), 10, "rules[1].when.categories[0]", "城乡建设/供水"),
        (rule("b", "types: []", "1 workday"), 10, "rules[1].when.types", "length >= 1"),
        (rule("b", "kinds: [投诉]", "1 workday"), 10, "rules[1].when.kinds", "no such key"),
        (rule("b", "types: [投诉]", "1 day or so"), 12, "rules[1].limits.resolve.span", "2 workdays"),
        (rule("b", "types: [投诉]", "0 days"), 12, "rules[1].limits.resolve.span", "2 workdays"),
        (rule("b", "types: [投诉]", "1001 days"), 12, "rules[1].limits.resolve.span", "2 workdays"),
        (rule("b", "types: [投诉]", "1 day, near: 1 day"), 12, "rules[1].limits.resolve.near", "20%"),
        (rule("b", "types: [投诉]", "1 hour, near: 2 hours"), 12, "rules[1].limits.resolve.near", "less"),
        (
            rule("b", "types: [投诉]", "1 day, starts: reviewed"),
            12, "rules[1].limits.resolve.starts", "dispatched, received",
        ),
        (rule("b", "types: [投诉]", "1 day, starts: soon"), 12, "rules[1].limits.resolve.starts", "signed"),
        (
            rule("b", "types: [投诉]", "1 day, pauses: [lunch]"),
            12, "rules[1].limits.resolve.pauses[0]", "return, dispute",
        ),
        (
            rule("b", "types: [投诉]", "1 day, extend: {times: 0, workdays: 1}"),
            12, "rules[1].limits.resolve.extend.times", ">= 1",
        ),
        (
            rule("b", "types: [投诉]", "1 day}\n      sign: {span: 1 day, pauses: [return]"),
            13, "rules[1].limits.sign.pauses", "resolve",
        ),
        (
            rule("b", "types: [投诉]", "1 day}\n      sign: {span: 1 day, extend: {times: 1, workdays: 1}"),
            13, "rules[1].limits.sign.extend", "only resolve",
        ),
        (rule("b", "types: [投诉]", "1 day}\n      tea: {span: 1 day"), 13, "rules[1].limits.tea", "accept"),
        (rule("b", "types: [投诉]", "1 day", "    since: soon\n"), 11, "rules[1].since", "2027-01-01"),
        (
            rule("b", "types: [投诉]", "1 day", "    since: 2027-01-02\n    until: 2027-01-01\n"),
            12, "rules[1].until", "on or after",
        ),
        (
            rule("b", "types: [投诉]", "1 day") + rule("c", "types: [求助, 投诉]", "1 day"),
            17, "rules[2].limits.resolve", "rule b sets it",
        ),
        ("  - 3\n", 8, "rules[1]", "object"),
        ("  - id: b\n    limits: {}\n", 8, "rules[1]", "add the key `title`"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_naming_line_key_and_remedy(
    more: str, line: int, key: str, remedy: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        with_rules(more)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert remedy in caught.value.remedy


def test_a_file_without_a_rule_for_all_orders_is_refused() -> None:
    for text in (
        "rules:\n" + rule("b", "types: [投诉]", "1 day"),
        _GENERAL.replace("    limits:", "    since: 2027-01-01\n    limits:"),
        _GENERAL.replace("      sign: {span: 1 workday}\n", ""),
    ):
        with pytest.raises(PolicyError) as caught:
            parse_clock_rules(text.encode())
        assert caught.value.key == "rules"
        assert "resolve" in caught.value.remedy


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"", "file"),
        (b"\xff", "file"),
        (b"a: [", "file"),
        (b"rules: []", "rules"),
        (b"x" * 1_000_001, "file"),
    ],
)
def test_what_is_no_file_of_rules_is_refused(raw: bytes, key: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_clock_rules(raw, name="rules.yaml")
    assert (caught.value.file, caught.value.key) == ("rules.yaml", key)


@pytest.mark.parametrize("text", ["1 minute", "15 minutes", "2 hours", "3 days", "4 workhours", "1 workday"])
def test_a_span_is_written_as_it_was_read(text: str) -> None:
    assert str(Span.parse(text)) == text


@given(
    st.sampled_from(["20%", "1%", "99%", "30 minutes", "3 hours", "45 workminutes", "7 workhours"]),
    st.sampled_from(["10 minutes", "5 hours", "2 days", "9 workhours", "1 workday", "5 workdays"]),
    st.integers(1_700_000_000, 1_900_000_000).map(float),
)
def test_a_limit_is_nearly_over_between_its_beginning_and_its_end(near: str, span: str, start: float) -> None:
    parsed, length = Near.parse(near), Span.parse(span)
    assert parsed is not None
    assert length is not None
    due = length.end(start, DAYS)
    assert start < due
    assert start <= near_at(parsed, start, due, length.working, DAYS) <= due


def test_the_rest_that_makes_a_limit_near_is_working_time_where_it_says_so() -> None:
    start, due = at("2026-11-23T09:00"), at("2026-11-27T17:30")
    found = [
        near_at(near, start, due, True, DAYS)
        for near in map(Near.parse, ("7 workhours", "2 hours", "50%"))
        if near is not None
    ]
    assert found == [at("2026-11-26T17:30"), at("2026-11-27T15:30"), at("2026-11-25T14:00")]


def test_a_rule_says_in_chinese_for_whom_it_is_and_what_it_sets() -> None:
    urgent = SHIPPED.rule("urgent")
    general = SHIPPED.rule("general")
    assert urgent is not None
    assert general is not None
    said = explain(urgent)
    assert "适用于紧急程度为特急、紧急的工单" in said
    assert "不得比它宽松" in said
    assert "· 派单：收到诉求后 15 分钟内，剩余 5 分钟起提醒。" in said
    assert "适用于所有工单" in explain(general)
    assert "可延期 1 次，共不超过 5 个工作日" in explain(general)
    waiting = SHIPPED.rule("consultation_waiting")
    assert waiting is not None
    assert "且受理渠道为文字、电话、视频" in explain(waiting)


def test_the_version_changes_with_what_rules_say_and_not_with_comments() -> None:
    first = parse_clock_rules(_GENERAL.encode())
    again = parse_clock_rules(("# comment\n" + _GENERAL).encode())
    other = parse_clock_rules(_GENERAL.replace("5 workdays", "4 workdays").encode())
    assert first.version == again.version != other.version
