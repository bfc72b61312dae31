"""What texts of a city that nobody had tuned to showed to be wrong: one behaviour each."""

from __future__ import annotations

import datetime

import pytest

from asr.draft import DraftExtractor
from asr.draft_rules import DraftRules
from asr.gazetteer import Entry, Gazetteer, Kind
from asr.messages import Line, Speaker
from asr.text import readable

NOW = datetime.datetime(2026, 11, 18, 10, 0)  # noqa: DTZ001 - a wall clock in the city
GAZETTEER = Gazetteer(
    (
        Entry(name="南浦区", kind=Kind.DISTRICT),
        Entry(name="翠竹苑", kind=Kind.ESTATE, parents=("南浦区",)),
        Entry(name="澄江大道", kind=Kind.ROAD, parents=("南浦区",)),
        Entry(name="澄江站", kind=Kind.LANDMARK, parents=("南浦区",)),
        Entry(name="南浦区中医院", kind=Kind.ORGANISATION, parents=("南浦区",)),
    )
)
EXTRACTOR = DraftExtractor(DraftRules.load(), GAZETTEER)


def draft(*spoken: str, caller: str = "") -> dict[str, str]:
    """Return the fields of a call; what begins with 坐席 is said by the agent."""
    lines = [
        Line(
            speaker=Speaker.AGENT if text.startswith("坐席：") else Speaker.CITIZEN,
            text=readable(text.removeprefix("坐席：")),
            start=float(n),
            end=n + 1.0,
        )
        for n, text in enumerate(spoken)
    ]
    return {field.field: field.value for field in EXTRACTOR.extract(lines, caller=caller, now=NOW)}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我叫周建好吧就这样", "周建"),
        ("我叫白英麻烦你们了", "白英"),
        ("我叫张小龙弓长张大小的小", "张小龙"),
        ("我叫覃红桂电话等下说", "覃红桂"),
        ("叫我小孙就行", "小孙"),
        ("本人手机18907312222，张女士。", "张女士"),
        ("电话18655093277，找王师傅。", "王师傅"),
        ("请帮助讨薪。李明 15874001122", "李明"),
        ("业主：刘志强 身份证430105198811230016", "刘志强"),
    ],
)
def test_a_name_ends_where_other_words_begin(said: str, name: str) -> None:
    assert draft(said).get("contact") == name


@pytest.mark.parametrize(
    "said", ["要表扬一个民警姓刘", "老白姓没办法啊", "某位肖姓领导的兄弟开的", "找了一位姓周的主任"]
)
def test_somebody_elses_surname_is_not_the_citizens(said: str) -> None:
    assert "contact" not in draft(said)


def test_a_landline_of_the_property_company_is_not_the_citizens() -> None:
    assert "phone" not in draft("小区停水，物业电话：0731-85551234。")


def test_a_number_given_when_the_agent_asked_for_the_owners_is_not_the_citizens() -> None:
    assert "phone" not in draft("健身房跑路了", "坐席：老板电话有吗", "有，幺三三三三三三零零八八")


def test_wide_digits_are_digits() -> None:
    assert draft("电话：１３６４７３１００８８")["phone"] == "13647310088"


def test_a_number_in_groups_may_be_misheard_in_each() -> None:
    assert draft("停水了", "坐席：留个联系电化吧", "幺三七七", "九零七八", "灸柳六")["phone"] == "13779078966"


def test_the_last_digits_may_be_corrected_though_misheard() -> None:
    said = ("坐席：您的电话是", "幺八幺零三九三六零幺五", "不对最后四位是二而六八")
    assert draft("停水了", *said)["phone"] == "18103932268"


def test_a_pause_between_groups_is_no_digit() -> None:
    said = ("坐席：联系电话", "幺八九七四五六", "等一下啊", "三三二幺")
    assert draft("停水了", *said)["phone"] == "18974563321"


@pytest.mark.parametrize(
    ("said", "urgent"),
    [
        ("家里从前天下午就停水了", True),
        ("停水通知说今天8:00-18:00停水，请问是哪些小区？", False),
        ("今年春节期间楼下的三轮车起火，幸好扑灭了", False),
        ("现在消防栓还是没有水", False),
        ("我爱人的厂没有谁来管", False),
        ("电梯把人关里面了", True),
        ("车库里水已经淹到车轮了", True),
    ],
)
def test_only_what_is_urgent_now_is_urgent(said: str, urgent: bool) -> None:
    assert (draft(said).get("urgency", "一般") != "一般") == urgent


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("路上有个大坑昨天差点摔了人请尽快修补", "求助"),
        ("路灯坏了好多盏麻烦派人修一下", "求助"),
        ("单位没有给买社保，请问应该到哪里投诉？", "咨询"),
        ("我想感谢一下上次我投诉噪音你们处理得很快", "表扬"),
        ("现实名投诉开发商捆绑销售车位，希望能帮我们解决", "投诉"),
    ],
)
def test_the_type_is_what_the_call_is_for(said: str, kind: str) -> None:
    assert draft(said)["type"] == kind


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("我要投诉，当时开发商承诺交房，现在不退钱", "开发商"),
        ("我要投诉那个芯城楼上有个公司叫鑫诚教育他骗人", "鑫诚教育"),
        ("我要表扬南浦区中医院的李医生", "南浦区中医院"),
    ],
)
def test_who_it_is_about_is_a_name_and_no_clause(said: str, subject: str) -> None:
    assert draft(said)["subject"] == subject


def test_the_shops_name_is_taken_from_the_answer() -> None:
    found = draft("我要投诉一个餐馆吃出来钢丝球", "坐席：请问餐馆的名字和地址", "叫老渔翁鱼馆在南浦区")
    assert found["subject"] == "老渔翁鱼馆"


@pytest.mark.parametrize(
    "said", ["建委城乡规划不合理", "没有去过学校", "把土地证移交社区", "晚上被赶到大马路边"]
)
def test_common_words_before_a_suffix_are_no_place(said: str) -> None:
    found = draft(said)
    assert "place" not in found
    assert "street" not in found


@pytest.mark.parametrize(
    ("spoken", "detail"),
    [
        (("翠竹苑四栋没水了", "我住四栋一单元一二零一"), "4栋1单元1201室"),
        (("澄江大道四十五号", "坐席：四十五号是吧", "不是四十五是五十四号"), "54号"),
        (("翠竹苑", "坐席：哪一栋", "十六栋二零三哦不对我现在搬了是十八栋三零二"), "18栋302室"),
        (("翠竹苑", "坐席：几栋几单元", "十四栋", "三单元", "二三零一"), "14栋3单元2301室"),
        (("澄江大道329号，楼下的广场舞太吵",), "329号"),
        (("翠竹苑三实一洞二但元五零五的住户",), "31栋2单元505室"),
        (("翠竹苑二期8栋地下室",), "2期8栋地下室"),
    ],
)
def test_building_unit_and_room_are_those_said_last_and_fullest(spoken: tuple[str, ...], detail: str) -> None:
    assert draft(*spoken)["detail"] == detail


def test_what_it_is_close_to_is_not_where_it_is() -> None:
    said = ("澄江大道那边路面塌了", "坐席：靠近哪里", "靠近澄江站那个地铁口")
    assert draft(*said)["place"] == "澄江大道"


def test_a_stretch_of_years_is_no_date() -> None:
    assert "time_iso" not in draft("枫林路的商场烂尾七年了没人管")


def test_a_text_of_nothing_but_digits_has_no_number() -> None:
    assert "phone" not in draft(*["一" * 240] * 50)
