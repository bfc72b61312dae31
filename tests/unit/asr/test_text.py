"""Spoken Chinese becomes readable, and only what is surely a number becomes digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.text import MAX_TEXT, digit_runs, house_numbers, numbers, readable, value_of, without_fillers


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("幺三八，零零零零，五二六七。我姓王。", "13800005267。我姓王。"),
        ("一三八零零零零五二六七", "13800005267"),
        ("八栋二单元六零三", "8栋2单元603室"),
        ("我是四栋一七零二的业主", "我是4栋1702室的业主"),
        ("三号楼二单元一二零一户", "3号楼2单元1201户"),
        ("二单元三楼", "2单元3楼"),
        ("阳光花园小区，三号楼二单元。", "阳光花园小区，3号楼2单元。"),
        ("东方明珠十二栋一八零二室", "东方明珠12栋1802室"),
        ("一百二十号", "120号"),
        ("不对，是八十六号", "不对，是86号"),
        ("住在三楼", "住在3楼"),
        ("昨天晚上十点开始停水", "昨天晚上10点开始停水"),
        ("每天下午四点到七点最严重", "每天下午4点到7点最严重"),
        ("昨天一直干到凌晨两点", "昨天一直干到凌晨2点"),
        ("一直唱到凌晨三四点", "一直唱到凌晨三四点"),
        ("早上七八点钟最堵", "早上七八点钟最堵"),
        ("三四月份就说要修", "三四月份就说要修"),
        ("十一月二十号", "11月20号"),
        ("二零二四年", "2024年"),
        ("幺幺零一二二", "110122"),
        ("晚上九点二十来的", "晚上9点20来的"),
        ("下午三点零五分", "下午3点05分"),
        ("座机零五五一，六五七八，二零三四", "座机055165782034"),
        ("四四零一零六，一九九零零三零七，二三三叉", "44010619900307233X"),
        ("车牌粤A，T六七三二", "车牌粤A·T6732"),
        ("粤a幺二三四五那辆车", "粤A·12345那辆车"),
        ("交了一万二千八百块", "交了12800块"),
        ("一百五十块一个月", "150块一个月"),
        ("一千零八元", "1008元"),
        ("一万二千零五十元", "12050元"),
        ("欠了九万多块钱", "欠了9万多块钱"),
        ("涨了百分之三十", "涨了30%"),
        ("三点五公里", "3.5公里"),
        ("家里才十五度", "家里才15度"),
        ("四十八平米", "48平米"),
    ],
)
def test_numbers_are_written_as_people_write_them(said: str, written: str) -> None:
    assert readable(said) == written


@pytest.mark.parametrize(
    "said",
    [
        "我一直在等一下",
        "一共欠我们十二个人的工资",
        "门口有一块牌子",
        "拆了三十块砖",
        "万一塌了怎么办",
        "三四五个人",
        "拨打一百一十九",
        "三个月没有发工资",
        "我提三点建议",
        "有一点危险",
        "感到一点希望都没有",
        "第一中学",
        "乱七八糟",
        "七七八八",
        "一五一十地说",
        "三三两两",
        "二十分钟才来一趟",
        "排队排了三个小时",
    ],
)
def test_words_and_quantities_stay_as_they_were_said(said: str) -> None:
    assert readable(said) == said


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("嗯我我我想问一下", "我想问一下"),
        ("呃，那个，我们小区停水了", "我们小区停水了"),
        ("这个这个路灯坏了", "这个路灯坏了"),
        ("啊，你好", "你好"),
        ("余额和名额都没有", "余额和名额都没有"),
        ("天天都这样，妈妈也知道", "天天都这样，妈妈也知道"),
    ],
)
def test_fillers_and_stutters_are_dropped_but_not_words_that_look_like_them(said: str, written: str) -> None:
    assert without_fillers(said) == written


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("八十六", "86"),
        ("六零三", "603"),
        ("两百", "200"),
        ("12", "12"),
        ("十", "10"),
        ("百百", None),
        ("一十零", None),
    ],
)
def test_a_spoken_number_has_a_value_or_none(number: str, digits: str | None) -> None:
    assert value_of(number) == digits


_spoken = st.text(
    alphabet=st.sampled_from("零一二三四五六七八九幺两十百点号楼单元室月日到晚上午，。我在嗯那个是1380"),
    max_size=60,
)


@given(_spoken)
def test_making_text_readable_twice_changes_nothing_more(text: str) -> None:
    once = numbers(text)
    assert numbers(once) == once


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(readable(text), str)


@given(
    st.text(alphabet="零一二三四五六七八九", min_size=3, max_size=30).filter(lambda run: run != "七七八八")
)
def test_digits_said_one_by_one_become_as_many_digits(run: str) -> None:
    assert digit_runs(run) == "".join(str("零一二三四五六七八九".index(character)) for character in run)


@given(st.integers(1, 99))
def test_every_house_number_up_to_99_is_written_in_digits(number: int) -> None:
    tens, ones = divmod(number, 10)
    digits = "零一二三四五六七八九"
    said = ("" if tens == 0 else "十" if tens == 1 else digits[tens] + "十") + (digits[ones] if ones else "")
    assert house_numbers(f"{said}号楼") == f"{number}号楼"


@pytest.mark.parametrize(
    "piece", ["一", "1 ", "八栋二单元", "一百万", "粤A", "晚上十点", "百", "那个", "1，"]
)
def test_a_long_text_of_nothing_but_numbers_ends(piece: str) -> None:
    assert len(readable(piece * (MAX_TEXT // len(piece)))) <= 2 * MAX_TEXT


def test_a_text_of_a_million_characters_is_cut() -> None:
    assert len(readable("停水" * 500_000)) == MAX_TEXT
