"""Units are advised by rules, by what people chose before, and by what they are for."""

from __future__ import annotations

import datetime

import pytest

from orders.unit_history import HALF_LIFE_S, UnitHistory
from orders.unit_table import Unit, UnitRule, UnitsWrong, read_rules, read_units, shipped_units
from orders.units import UnitAdvisor

NOW = 1_760_000_000.0
DAY = datetime.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("小区停水三天了，自来水什么时候来", "供水公司"),
        ("楼下烧烤店占道经营，流动摊贩很多", "城管局"),
        ("化工厂排放废气，气味刺鼻", "生态环境局"),
        ("公司拖欠农民工工资", "人社局"),
        ("路口红绿灯坏了，天天堵车", "交警支队"),
        ("健身房关门跑路，会员卡不退款", "市场监管局"),
        ("家里暖气不热", "供热公司"),
        ("孩子上小学学区怎么划分", "教育局"),
        ("异地就医医保报销比例", "医保局"),
    ],
)
def test_shipped_duties_find_the_department(text: str, unit: str) -> None:
    advice = UnitAdvisor.shipped().advise("", "", "", text)
    assert advice[0].unit == unit
    assert advice[0].source == "duty"
    assert "提到" in advice[0].reason


def test_at_most_three_are_advised_each_with_a_reason() -> None:
    text = "小区物业乱收费，垃圾成堆，油烟扰民，消防通道被堵，噪音大，派出所不管"
    advice = UnitAdvisor.shipped().advise("城乡建设/住房保障/物业管理", "", "", text)
    assert len(advice) == 3
    assert all(one.reason and 0.0 < one.confidence <= 0.95 for one in advice)
    assert sorted(advice, key=lambda one: -one.confidence) == list(advice)


def test_a_category_alone_is_enough() -> None:
    assert UnitAdvisor.shipped().advise("环境保护/环境污染/噪声", "", "", "")[0].unit == "生态环境局"


def test_nothing_is_advised_when_nothing_speaks_for_any() -> None:
    assert UnitAdvisor.shipped().advise("", "", "", "你好") == ()


UNITS = (Unit(name="东城区住建局", words=("物业",)), Unit(name="市住建局", words=("物业",)))


def test_a_rule_in_force_comes_first_and_the_narrowest_wins() -> None:
    rules = (
        UnitRule(rule_id="r1", unit="市住建局", category="物业管理"),
        UnitRule(rule_id="r2", unit="东城区住建局", category="物业管理", district="东城区"),
    )
    advisor = UnitAdvisor(UNITS, rules=rules)
    here = advisor.advise("城乡建设/物业管理", "东城区", "", "", today=DAY)
    assert [one.source for one in here] == ["rule:r2", "rule:r1"]
    assert advisor.advise("城乡建设/物业管理", "西城区", "", "", today=DAY)[0].unit == "市住建局"


@pytest.mark.parametrize(
    ("since", "until", "counts"),
    [
        ("", "", True),
        ("2026-03-01", "2026-03-01", True),
        ("2026-03-02", "", False),
        ("", "2026-02-28", False),
    ],
)
def test_a_rule_counts_between_its_days(since: str, until: str, counts: bool) -> None:
    rule = UnitRule(rule_id="r1", unit="市住建局", category="物业管理", since=since, until=until)
    advice = UnitAdvisor(UNITS, rules=[rule]).advise("物业管理", "", "", "", today=DAY)
    assert (advice[0].source == "rule:r1") == counts


def test_what_people_chose_often_comes_before_duties() -> None:
    history = UnitHistory()
    for _ in range(30):
        history.note("街道物业办", category="物业管理", district="东城区", text="物业不作为", at=NOW)
    advisor = UnitAdvisor((*UNITS, Unit(name="街道物业办")), history=history)
    first = advisor.advise("物业管理", "东城区", "", "物业乱收费")[0]
    assert (first.unit, first.source) == ("街道物业办", "learned")
    assert "以往" in first.reason


def test_old_choices_fade() -> None:
    history = UnitHistory()
    for _ in range(4):
        history.note("甲", category="c", district="", text="", at=NOW)
    for _ in range(3):
        history.note("乙", category="c", district="", text="", at=NOW + 2 * HALF_LIFE_S)
    shares, _ = history.chosen("c", "")
    assert shares["乙"] > shares["甲"]


def test_a_history_of_years_keeps_its_numbers_finite() -> None:
    history = UnitHistory()
    for year in range(30):
        history.note("甲", category="c", district="d", text="停水", at=NOW + year * 365 * 86_400)
    shares, choices = history.chosen("c", "d")
    assert shares == {"甲": pytest.approx(1.0)}
    assert 0.0 < choices < float("inf")


def test_units_with_areas_are_only_advised_there() -> None:
    units = (
        Unit(name="东城区城管局", words=("占道",), areas=("东城区",)),
        Unit(name="西城区城管局", words=("占道",), areas=("西城区",)),
    )
    assert [one.unit for one in UnitAdvisor(units).advise("", "西城区", "", "占道经营")] == ["西城区城管局"]


def test_an_imported_unit_gets_the_duties_of_the_department_it_is_called_like() -> None:
    text = "name,level,parent,duties,areas\n东城区住房和城乡建设局,区县,,,东城区\n市热线办,市级,,督办;考核,\n"
    units = read_units(text, standard=shipped_units())
    assert UnitAdvisor(units).advise("", "东城区", "", "物业乱收费")[0].unit == "东城区住房和城乡建设局"
    assert units[1].words == ("督办", "考核")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nom,level\n", "表头应为"),
        ("name,level\n甲,国家级\n", "第 2 行：level“国家级”"),
        ("name,level\n甲,市级\n甲,市级\n", "第 3 行：单位“甲”重复"),
        ("name,level,parent\n甲,市级,乙\n", "上级“乙”不在文件中"),
        ("name,level,parent\n甲,市级,乙\n乙,市级,甲\n", "成环"),
        ("name,level\n,市级\n", "name 要有 1 到"),
        ("name,level\n甲,市级,丙,丁\n", "列数多于表头"),
    ],
)
def test_a_wrong_file_of_units_is_refused_naming_the_line(text: str, said: str) -> None:
    with pytest.raises(UnitsWrong, match=said):
        read_units(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("物业,,,丙,,", "没有单位“丙”"),
        (",,,甲,,", "category 不能为空"),
        ("物业,,,甲,2026-13-01,", "日期应写作"),
        ("物业,,,甲,2026-02-01,2026-01-01", "until 早于 since"),
    ],
)
def test_a_wrong_rule_is_refused(line: str, said: str) -> None:
    with pytest.raises(UnitsWrong, match=said):
        read_rules(f"category,district,street,unit,since,until\n{line}\n", ["甲"])


def test_three_are_advised_also_where_little_speaks_for_any_and_the_guesses_are_unsure() -> None:
    advice = UnitAdvisor.shipped().advise("医疗卫生/疫苗", "东城区", "和平街道", "打疫苗")
    assert advice[0].unit == "卫健委"
    assert len(advice) == 3
    guesses = [one for one in advice if one.source == "usual"]
    assert {one.reason for one in guesses} == {"属地：东城区", "属地：和平街道"}
    assert all(one.confidence < 0.05 for one in guesses)


def test_what_was_chosen_most_fills_up_where_the_place_is_not_known() -> None:
    history = UnitHistory()
    for _ in range(5):
        history.note("公安局", category="治安", district="", text="噪音", at=NOW)
    advice = UnitAdvisor.shipped(history=history).advise("环境保护/环境污染/噪声", "", "", "")
    assert next(one.unit for one in advice if one.source == "usual") == "公安局"
    assert len(advice) == 3


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "市局,市级,\n县局,区县,市局\n省厅,省级,县局\n",
            "第 4 行：单位“省厅”（省级）的级别高于上级“县局”（区县）",
        ),
        ("市局,市级,\n水务公司,企业,市局\n街道,街道乡镇,水务公司\n", "第 4 行：单位“街道”"),
        ("甲,市级,乙\n", "第 2 行：单位“甲”的上级“乙”不在文件中"),
    ],
)
def test_a_unit_never_stands_above_its_parents_level(rows: str, said: str) -> None:
    with pytest.raises(UnitsWrong) as refused:
        read_units(f"name,level,parent\n{rows}")
    assert any(problem.startswith(said) for problem in refused.value.problems)


def test_five_levels_and_companies_are_taken_with_chinese_headings() -> None:
    levels = ("省级", "市级", "区县", "街道乡镇", "村社")
    rows = [
        f"单位{place},{level},{f'单位{place - 1}' if place else ''},," for place, level in enumerate(levels)
    ]
    units = read_units(
        "\n".join(["单位名称,级别,上级单位,职责,区域", *rows, "供水公司,企业,单位1,停水；水压,东城区"])
    )
    assert [unit.level for unit in units] == ["province", "city", "county", "township", "village", "company"]
    assert units[-1].areas == ("东城区",) and "停水" in units[-1].words


def test_a_rule_keeps_its_id_over_imports_and_may_stand_at_several_times() -> None:
    head = "category,district,street,unit,since,until\n"
    (first,) = read_rules(f"{head}物业,东城区,,甲,,\n", ["甲"])
    other, again, later = read_rules(
        f"{head}供水,,,甲,,\n物业,东城区,,甲,,2026-06-30\n物业,东城区,,甲,2027-01-01,\n", ["甲"]
    )
    assert again.rule_id == first.rule_id != other.rule_id
    assert later.rule_id not in (first.rule_id, other.rule_id)
    with pytest.raises(UnitsWrong, match="第 3 行：与前面一行重复"):
        read_rules(f"{head}物业,,,甲,,2026-06-30\n物业,,,甲,2026-06-01,\n", ["甲"])


def test_a_wider_rule_is_less_sure_than_the_narrower_one() -> None:
    rules = (
        UnitRule(rule_id="r1", unit="市住建局", category="城乡建设"),
        UnitRule(rule_id="r2", unit="东城区住建局", category="物业管理"),
    )
    narrow, wide = UnitAdvisor(UNITS, rules=rules).advise("城乡建设/住房/物业管理", "", "", "")[:2]
    assert (narrow.unit, wide.unit) == ("东城区住建局", "市住建局")
    assert wide.confidence < narrow.confidence
