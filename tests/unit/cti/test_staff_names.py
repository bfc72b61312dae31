"""People by name: renamed, gone, of other units; and sentences in which they stand."""

from __future__ import annotations

import pytest

from cti.messages import Role
from cti.staff_names import CENTRE, Named, Naming

KNOWN = {
    "wang": Named("王敏", Role.AGENT.value, "", active=True),
    "wang2": Named("王强", Role.CLERK.value, "", active=False),
    "sun": Named("孙强", Role.UNIT.value, "市住建局", active=True),
    "zhao": Named("赵云", Role.UNIT.value, "市公安局", active=True),
}
HOTLINE = Naming(known=KNOWN, whole=True, units=frozenset())
UNIT = Naming(known=KNOWN, whole=False, units=frozenset({"市住建局"}))


@pytest.mark.parametrize(
    ("by", "shown"),
    [
        ("wang", "王敏（wang）"), ("agent:wang", "王敏（wang）"), ("wang2", "王强（wang2，已停用）"),
        ("sun", "孙强（sun）"),
        ("system", "系统"), ("machine", "机器"), ("robot", "机器人"), ("citizen", "市民"), ("", ""),
        ("api:portal", "接口 portal"), ("nobody", "nobody"),
    ],
)  # fmt: skip
def test_the_hotlines_people_see_names_and_who_left(by: str, shown: str) -> None:
    assert HOTLINE.of(by) == shown


def test_a_unit_sees_its_own_people_by_name_and_others_by_house_and_number() -> None:
    assert UNIT.of("sun") == "孙强（sun）"
    assert UNIT.of("wang") == f"{CENTRE} 工号 wang"
    assert UNIT.of("wang2") == f"{CENTRE} 工号 wang2，已停用"
    assert UNIT.of("zhao") == "市公安局 工号 zhao"
    assert not any(one.name in UNIT.of(login) for login, one in KNOWN.items() if login != "sun")


def test_names_stand_in_a_sentence_only_where_the_logins_do() -> None:
    text = "您打开后，工单已被wang、wang2操作（派单），现为“已派单”"
    assert HOTLINE.sentence(text, ("wang", "wang2", "system")) == (
        "您打开后，工单已被王敏（wang）、王强（wang2，已停用）操作（派单），现为“已派单”"
    )
    assert HOTLINE.sentence(text, ()) == text
