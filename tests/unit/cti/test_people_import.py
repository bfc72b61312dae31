"""Tables of people: read from spreadsheets, every wrong cell named, nobody twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.messages import Role
from cti.people_import import PersonRow, RowError, TableWrong, read_people

SKILLS = {"general": "综合", "english": "英语"}
GOOD = "hao3-mi4ma"


def read(text: str, *, taken: tuple[str, ...] = ("li",)) -> tuple[list[PersonRow], list[RowError]]:
    return read_people(text, taken=taken, extensions=("8001",), skills=SKILLS)


@pytest.mark.parametrize("mark", [",", "\t"])
def test_a_table_is_read_whichever_way_it_came(mark: str) -> None:
    rows = [
        ["工号", "姓名", "角色", "密码", "分机", "技能", "班组"],
        ["Wang", "王芳", "坐席", GOOD, "8010", "综合:3 英语", "一班"],
    ]
    people, errors = read("\ufeff" + "\n".join(mark.join(row) for row in rows))
    assert errors == []
    assert people[0].login == "wang"
    assert (people[0].role, people[0].skills, people[0].team) == (
        Role.AGENT,
        {"general": 3, "english": 3},
        "一班",
    )


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (f"li,李,坐席,{GOOD},,", "工号"),
        (f"王,李,坐席,{GOOD},,", "工号"),
        (f"wang,,坐席,{GOOD},,", "姓名"),
        (f"wang,王,经理,{GOOD},,", "角色"),
        ("wang,王,坐席,kurz,,", "密码"),
        (f"wang,王,坐席,{GOOD},8001,", "分机"),
        (f"wang,王,坐席,{GOOD},,飞行:3", "技能"),
        (f"wang,王,坐席,{GOOD},,综合:9", "技能"),
    ],
)
def test_a_wrong_cell_is_named_with_line_and_column(cells: str, column: str) -> None:
    people, errors = read(f"工号,姓名,角色,密码,分机,技能\n{cells}")
    assert people == []
    assert [(one.line, one.column) for one in errors] == [(2, column)]


def test_a_password_is_never_told() -> None:
    _, errors = read("工号,姓名,角色,密码\nwang,王,坐席,kurz")
    assert "kurz" not in repr(errors)


def test_the_same_login_twice_is_wrong_the_second_time() -> None:
    people, errors = read(f"工号,姓名,角色,密码\nwang,王,坐席,{GOOD}\nwang,汪,坐席,{GOOD}")
    assert ([one.line for one in people], [one.line for one in errors]) == ([2], [3])


@pytest.mark.parametrize(
    "text", ["", "工号,姓名\nwang,王", "工号,姓名,角色,密码", "工号,姓名,角色,密码,鞋码\na,b,c,d,e"]
)
def test_what_is_no_table_of_people_is_refused_whole(text: str) -> None:
    with pytest.raises(TableWrong):
        read(text)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        people, errors = read(f"工号,姓名,角色,密码\n{text}")
    except TableWrong:
        return
    assert all(one.login and one.name for one in people)
    assert all(one.remedy for one in errors)


def test_people_of_units_come_with_their_unit_their_districts_and_their_right() -> None:
    table = (
        "工号,姓名,角色,单位,区县,保密,密码\n"
        f"lisi,李四,承办单位,市住建局,东城区、西城区,,{GOOD}\n"
        f"zheng,郑五,班长,,,是,{GOOD}"
    )
    people, errors = read_people(table, taken=(), extensions=(), skills=SKILLS, units=("市住建局",))
    assert errors == []
    assert (people[0].role, people[0].unit, people[0].districts) == (
        Role.UNIT, "市住建局", ("东城区", "西城区"),
    )  # fmt: skip
    assert [one.confidential for one in people] == [False, True]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (f"lisi,李四,承办单位,,,{GOOD}", "单位"),
        (f"lisi,李四,承办单位,没有的局,,{GOOD}", "单位"),
        (f"lisi,李四,坐席,市住建局,,{GOOD}", "单位"),
        (f"lisi,李四,坐席,,也许,{GOOD}", "保密"),
    ],
)
def test_a_unit_that_does_not_fit_the_role_or_does_not_exist_is_named(cells: str, column: str) -> None:
    table = f"工号,姓名,角色,单位,保密,密码\n{cells}"
    people, errors = read_people(table, taken=(), extensions=(), skills=SKILLS, units=("市住建局",))
    assert people == []
    assert [one.column for one in errors] == [column]
