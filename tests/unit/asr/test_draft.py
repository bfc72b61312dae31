"""The first draft, field by field, and how much of it is right on whole conversations."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from asr.draft import DraftExtractor
from asr.draft_rules import DraftRules
from asr.gazetteer import Gazetteer, load_entries
from asr.messages import FieldSuggestion, Line, Speaker
from asr.text import numbers

HERE = Path(__file__).parent
DEMO = HERE.parents[2] / "cti" / "demo"
CALLER = "13900001111"
NOW = datetime.datetime(2026, 11, 21, 17, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))

EXTRACTOR = DraftExtractor(DraftRules.load(), Gazetteer(load_entries(DEMO / "city.yaml")))


def talk(*spoken: str) -> list[Line]:
    """Make a conversation: sentences of the agent begin with "坐席："; each takes two seconds."""
    return [
        Line(
            speaker=Speaker.AGENT if text.startswith("坐席：") else Speaker.CITIZEN,
            text=text.removeprefix("坐席："),
            start=2.0 * number,
            end=2.0 * number + 1.5,
        )
        for number, text in enumerate(spoken)
    ]


def draft(*spoken: str, caller: str = CALLER) -> dict[str, FieldSuggestion]:
    found = EXTRACTOR.extract(talk(*spoken), caller=caller, now=NOW)
    return {suggestion.field: suggestion for suggestion in found}


def value(field: str, *spoken: str, caller: str = CALLER) -> str | None:
    found = draft(*spoken, caller=caller).get(field)
    return None if found is None else found.value


def where(*spoken: str) -> str | None:
    """Return place and what stands below it, as one would say them together."""
    found = draft(*spoken)
    parts = [found[name].value for name in ("place", "detail") if name in found]
    return "".join(parts) or None


# ---------------------------------------------------------------- provenance


def test_before_anybody_spoke_only_the_calling_number_is_known() -> None:
    found = draft()
    assert list(found) == ["phone"]
    assert (found["phone"].value, found["phone"].source, found["phone"].audio_from) == (
        CALLER,
        "caller_id",
        None,
    )


def test_a_hidden_number_and_silence_give_an_empty_draft() -> None:
    assert draft(caller="") == {}


def test_each_field_says_from_which_seconds_it_came() -> None:
    street = draft("我家停水了", "坐席：您在哪里", "城东区新华接到")["street"]
    assert (street.value, street.source, street.quote) == ("新华街道", "gazetteer/sound", "新华接到")
    assert (street.audio_from, street.audio_to) == (4.0, 5.5)


def test_a_repaired_name_is_less_sure_than_one_heard_as_it_is_written() -> None:
    assert draft("城东区新华接到")["street"].confidence < draft("城东区新华街道")["street"].confidence


def test_poorly_recognised_words_make_an_unsure_field() -> None:
    clear = Line(speaker=Speaker.CITIZEN, text="城东区停水了", start=0, end=1)
    murky = Line(speaker=Speaker.CITIZEN, text="城东区停水了", start=0, end=1, confidence=0.5)
    sure, unsure = (
        {field.field: field.confidence for field in EXTRACTOR.extract([line], caller="", now=NOW)}
        for line in (clear, murky)
    )
    assert all(unsure[name] < sure[name] for name in ("district", "category", "summary"))


def test_what_the_agent_says_fills_nothing() -> None:
    assert set(draft("坐席：城东区新华街道停水，电话15922334456，是投诉吗")) == {"phone"}


# ---------------------------------------------------------------- telephone


@pytest.mark.parametrize(
    "spoken",
    [
        ("我的电话是幺五九，二二三三，四四五六",),
        ("坐席：您的联系电话是多少", "一五九二二三三四四五六"),
        ("坐席：联系电话", "一五九", "二二三三", "四四五六"),
        ("坐席：联系电话", "一五九", "坐席：嗯", "二二三三", "坐席：好", "四四五六"),
        ("手机号15922334456",),
        ("电话一五九二二三三四四五五，不对，一五九二二三三四四五六",),
        ("电话是一五九二二三三四四四四，后四位是四四五六",),
        ("电话一五九二二三三四四五六，一五九二二三三四四五六",),
        ("我的电话是要五九儿二三三四四五六",),
    ],
)
def test_a_whole_number_is_taken_however_it_is_said(spoken: Sequence[str]) -> None:
    assert value("phone", *spoken) == "15922334456"


def test_a_landline_number_needs_its_area_code() -> None:
    assert value("phone", "坐席：您的电话", "零二五，八八六六，五五四四") == "02588665544"
    assert value("phone", "坐席：您的电话", "八八六六五五四四") == CALLER


def test_the_last_number_that_was_given_counts() -> None:
    spoken = ("我电话一三八零零零零五二六七", "还是打我爱人的电话吧，一五九二二三三四四五六")
    assert value("phone", *spoken) == "15922334456"


@pytest.mark.parametrize(
    "spoken",
    [
        "我的电话是一五九二二三三四四五",
        "我的订单号是一五九二二三三四四五六",
        "身份证号三二零一零二一九八零零一零一一二三四",
        "我住八栋二单元六零三",
        "一共三万五千块",
        "二二九二二三三四四五六",
        "电话我等一下给你，就是要三点以后，我是从二零一九年一月二号住到现在的",
    ],
)
def test_digits_that_are_no_whole_number_leave_the_calling_number(spoken: str) -> None:
    assert value("phone", spoken) == CALLER


def test_confirming_the_calling_number_makes_it_sure() -> None:
    found = draft("坐席：联系电话就是现在这个号码吗", "对，就打这个电话")["phone"]
    assert (found.value, found.source) == (CALLER, "caller_id")
    assert found.confidence > 0.9
    assert found.audio_from == 2.0


def test_a_misheard_digit_does_not_replace_the_calling_number_that_was_said() -> None:
    found = draft("我的电话是一三九灵灵灵灵一幺一死了")["phone"]
    assert (found.value, found.source) == (CALLER, "caller_id+said")


def test_a_number_that_could_not_be_made_out_makes_the_calling_number_unsure() -> None:
    found = draft("坐席：您的联系电话是多少", "一五九二二三三四四吧")["phone"]
    assert (found.value, found.confidence) == (CALLER, 0.3)


@given(st.lists(st.sampled_from("零一二三四五六七八九幺"), min_size=1, max_size=10))
def test_fewer_than_eleven_digits_never_make_a_number(digits: list[str]) -> None:
    assert value("phone", f"电话是{''.join(digits)}", caller="") is None or digits[0] == "零"


# ---------------------------------------------------------------- place


@pytest.mark.parametrize(
    ("spoken", "place"),
    [
        (("阳光花园小区，三号楼二单元六零三",), "阳光花园3号楼2单元603室"),
        (("阳光花园小区", "坐席：几号楼", "三号楼，二单元"), "阳光花园3号楼2单元"),
        (("中山路八十八号，不对，是八十六号",), "中山路86号"),
        (("中山路八十八号", "说错了，是八十六号"), "中山路86号"),
        (("在科技路和学院路路口",), "科技路与学院路交叉口"),
        (("在阳光花园，不对，是新华家园",), "新华家园"),
        (("世纪大道的工地上",), "世纪大道工地"),
        (("江北小学门口，人行道上有坑",), "江北小学门口人行道"),
        (("我住江北街道和顺嘉园三号楼",), "和顺嘉园3号楼"),
        (("我们小区停水了",), None),
        (("他们严重影响小区环境",), None),
    ],
)
def test_the_place_is_put_together_as_it_was_said(spoken: Sequence[str], place: str | None) -> None:
    assert where(*spoken) == place


def test_a_listed_place_tells_street_and_district() -> None:
    found = draft("阳光花园停水了")
    assert (found["street"].value, found["district"].value) == ("新华街道", "城东区")
    assert found["street"].source == "gazetteer/implied"


def test_a_road_through_two_districts_tells_none() -> None:
    assert value("district", "人民路上的路灯坏了") is None


def test_a_street_that_is_not_listed_is_kept_as_heard_and_unsure() -> None:
    street = draft("我在城东区新民街道")["street"]
    assert (street.value, street.source) == ("新民街道", "rule:street/unlisted")
    assert street.confidence <= 0.4


# ---------------------------------------------------------------- urgency


@pytest.mark.parametrize(
    ("spoken", "urgency", "rule"),
    [
        ("我们小区停水两天了", "紧急", "停水"),
        ("路面塌陷了一个大洞", "特急", "塌陷"),
        ("有人被困在电梯里", "特急", "生命危险"),
        ("路灯杆漏电", "特急", "漏电"),
        ("井盖没有了", "特急", "井盖缺失"),
        ("老板拖欠我们工资", "一般", "none"),
        ("上百个工人聚集在门口讨要工资", "紧急", "群体欠薪"),
        ("我家去年停过水", "一般", "none"),
        ("看到停电通知，想问几点停", "一般", "none"),
        ("如果停电怎么办", "一般", "none"),
        ("停水了，也没看见通知", "紧急", "停水"),
        ("昨天停电了，现在电已经来了", "一般", "none"),
        ("每天都堵得一塌糊涂", "一般", "none"),
        ("没有人受伤，就是车坏了", "一般", "none"),
        ("我们这没有电梯", "一般", "none"),
        ("手机没电了才打的", "一般", "none"),
        ("以前没有停水过", "一般", "none"),
        ("消防通道有火灾隐患", "紧急", "公共安全"),
    ],
)
def test_urgency_names_the_rule_that_fired(spoken: str, urgency: str, rule: str) -> None:
    found = draft(spoken)["urgency"]
    assert (found.value, found.source) == (urgency, f"rule:urgency/{rule}")


# ---------------------------------------------------------------- name, time, title, summary


@pytest.mark.parametrize(
    ("spoken", "name"),
    [
        (("我姓王",), "王"),
        (("免贵姓欧阳",), "欧阳"),
        (("我叫周建国，住在城东",), "周建国"),
        (("弓长张的张",), "张"),
        (("我姓李", "坐席：好的，李女士"), "李女士"),
        (("对我心里", "坐席：好的，李先生"), "李先生"),
        (("我心里很难受",), None),
        (("百姓都知道",), None),
        (("坐席：请问您贵姓", "我性网"), "王"),
    ],
)
def test_the_contact_is_the_name_the_citizen_gave(spoken: Sequence[str], name: str | None) -> None:
    assert value("contact", *spoken) == name


@pytest.mark.parametrize(
    ("spoken", "when"),
    [
        ("昨天晚上十点开始停水", "昨天晚上10点"),
        ("每天晚上十一点以后还在施工", "每天晚上11点以后"),
        ("每天下午四点到七点最严重", "每天下午4点到7点"),
        ("上个星期三帮我办了证", "上个星期三"),
        ("垃圾三天没有人清理", "三天"),
        ("老板三个月没有发工资", "三个月"),
        ("我去年从外地回来", "去年"),
        ("十一月三号下午交的钱", "11月3号下午"),
        ("大概几天能办下来", None),
        ("我提三点建议", None),
        ("有一点贵", None),
    ],
)
def test_the_time_is_in_the_citizens_words(spoken: str, when: str | None) -> None:
    assert value("time", spoken) == when


def test_the_title_is_in_the_hotlines_style() -> None:
    assert value("title", "我要投诉，阳光花园小区停水了") == "关于城东区阳光花园停水的投诉"


def test_the_summary_is_what_the_citizen_said_without_greeting_name_and_number() -> None:
    spoken = (
        "坐席：您好，请讲",
        "喂，你好，嗯，我们小区停水了，家里还有老人",
        "坐席：联系电话和姓名",
        "我姓王，我的电话是幺五九，二二三三，四四五六",
        "坐席：好的",
        "谢谢，再见",
    )
    assert value("summary", *spoken) == "我们小区停水了，家里还有老人。"


def test_the_summary_never_turns_a_denial_round() -> None:
    summary = value("summary", "没有人受伤。现在天快黑了")
    assert summary == "没有人受伤。现在天快黑了。"


def test_a_long_story_keeps_what_matters_within_300_characters() -> None:
    story = [f"第{number}件事是我去找他们他们也不理我真的很生气" for number in range(40)]
    summary = value("summary", *story[:30], "我们小区停水三天了", *story[30:])
    assert summary is not None
    assert len(summary) <= 300
    assert "停水" in summary


# ---------------------------------------------------------------- bounds


@given(st.lists(st.text(max_size=80), max_size=8), st.booleans())
def test_any_conversation_gives_fields_that_an_order_can_hold(texts: list[str], agent: bool) -> None:
    lines = [
        Line(speaker=Speaker.AGENT if agent and n % 2 else Speaker.CITIZEN, text=text, start=n, end=n + 1)
        for n, text in enumerate(texts)
    ]
    found = EXTRACTOR.extract(lines, caller=CALLER, now=NOW)
    assert len({field.field for field in found}) == len(found)
    for field in found:
        assert field.value
        assert 0.0 <= field.confidence <= 1.0
        assert len(field.value) <= 300


def test_of_a_hundred_thousand_characters_the_first_of_each_sentence_are_read() -> None:
    found = draft(*("城东区新华接到停水" * 100 for _ in range(111)))
    assert found["street"].value == "新华街道"
    assert all(len(field.value) <= 300 and len(field.quote) <= 200 for field in found.values())


# ---------------------------------------------------------------- how much is right


def score(found: Mapping[str, FieldSuggestion], expect: Mapping[str, Any], right: Counter[str]) -> None:
    for name, wanted in expect.items():
        got = found.get(name)
        right[f"{name}/all"] += 1
        right[name] += (None if got is None else got.value) == wanted


def shares(right: Counter[str]) -> dict[str, float]:
    return {
        name.removesuffix("/all"): right[name.removesuffix("/all")] / count
        for name, count in right.items()
        if name.endswith("/all")
    }


def test_conversations_written_for_this_test_are_read_right() -> None:
    right: Counter[str] = Counter()
    for dialogue in yaml.safe_load((HERE / "dialogues.yaml").read_text("utf-8")):
        spoken = [
            f"坐席：{text}" if speaker == "agent" else text
            for line in dialogue["lines"]
            for speaker, text in line.items()
        ]
        score(draft(*spoken), dialogue["expect"], right)
    assert all(share >= 0.9 for share in shares(right).values()), shares(right)


def demo(recognised: Mapping[str, Sequence[str]] | None) -> dict[str, float]:
    """Return the share of right fields over the demo citizens, as written or as Vosk heard them."""
    right: Counter[str] = Counter()
    for file in sorted((DEMO / "citizens").glob("*.yaml")):
        scenario = yaml.safe_load(file.read_text("utf-8"))
        spoken: list[str] = []
        for turn in scenario["turns"]:
            if turn["speaker"] == "agent":
                spoken.append(f"坐席：{turn['text']}")
            else:
                spoken += (
                    [turn["text"]] if recognised is None else recognised[turn["audio"].removesuffix(".wav")]
                )
        found = draft(*spoken, caller=scenario["caller"])
        expect = scenario["expect"]
        wanted = {name: expect[name] for name in ("type", "district", "street", "phone", "urgency")}
        wanted["category"] = "/".join(expect["category"])
        score(found, wanted, right)
        place = numbers(expect["place"] or "")
        right["place/all"] += 1
        right["place"] += place.startswith(found["place"].value) if "place" in found else not place
    return shares(right)


def test_the_demo_citizens_are_read_right_as_written() -> None:
    found = demo(None)
    assert all(share >= 0.9 for share in found.values()), found


def test_the_demo_citizens_are_read_well_as_the_recogniser_heard_them() -> None:
    found = demo(yaml.safe_load((HERE / "recognised.yaml").read_text("utf-8")))
    for name in ("type", "category", "urgency", "district", "phone", "street"):
        assert found[name] >= 0.85, found
    assert found["place"] >= 0.65, found
