"""Articles from an Excel file: heads in Chinese or English, all or nothing, every wrong line named."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from openpyxl import Workbook

from orders.knowledge_file import ArticlesWrong, read_articles, read_workbook

LAST_DAY = dt.datetime.fromisoformat("2027-06-30")
"""As spreadsheets keep a date."""


def workbook(*rows: tuple[str | dt.datetime | None, ...]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_table_with_chinese_heads_is_read() -> None:
    data = workbook(
        ("问题", "问法", "答复", "单位", "失效日期", "公开"),
        (
            "居住证怎么办",
            "办居住证；居住证材料",
            "带身份证到派出所",
            "公安局",
            LAST_DAY,
            "是",
        ),
        (None, None, None, None, None, None),
        ("公交卡在哪里买", None, "各站点", "公交公司", None, None),
    )
    first, second = read_workbook(data)
    assert first.variants == ("办居住证", "居住证材料")
    assert (first.valid_until, first.public, first.unit) == ("2027-06-30", True, "公安局")
    assert (second.question, second.public) == ("公交卡在哪里买", False)


def test_the_same_question_has_the_same_id_in_every_kind_of_file() -> None:
    (sheet,) = read_workbook(workbook(("question", "answer"), ("怎么办", "这样办")))
    (table,) = read_articles("问题,答复\n怎么办,这样办\n", "csv")
    assert sheet == table


def test_one_wrong_line_and_nothing_is_taken() -> None:
    data = workbook(("问题", "答复", "公开"), ("好的", "可以", "是"), ("缺答复", "", "也许"))
    with pytest.raises(ArticlesWrong) as caught:
        read_workbook(data)
    assert caught.value.problems == (
        "第 3 行：缺少“答复”（answer）",
        "第 3 行：“公开”（public）应为 是 或 否",
    )


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a workbook", "问题,答复".encode("gbk")])
def test_what_is_no_workbook_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ArticlesWrong) as caught:
        read_workbook(data)
    assert "Excel" in caught.value.shown


def test_heads_that_nobody_knows_are_named_with_those_that_are() -> None:
    with pytest.raises(ArticlesWrong, match="问题"):
        read_workbook(workbook(("标题", "答复"), ("一", "二")))


def test_days_may_stand_as_a_spreadsheet_writes_them_into_csv() -> None:
    (one,) = read_articles("问题,答复,生效日期,失效日期\n怎么办,这样办,2026/1/5,2026.12.31\n", "csv")
    assert (one.valid_from, one.valid_until) == ("2026-01-05", "2026-12-31")
