"""A report as CSV: one line for each figure of each row, as programs read it."""

from __future__ import annotations

import csv
import io

from cti.figures.definitions import FIGURES
from cti.reports.pages import Page
from cti.reports.specs import GROUPING_TITLES, Grouping

__all__ = ["harmless", "write"]

HEAD = ("表", "行", "行名称", "指标", "指标名称", "单位", "数值")
UNITS = {"count": "个", "share": "比率", "seconds": "秒", "score": "分"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def write(page: Page) -> bytes:
    """Return the file: UTF-8 with the mark by which Excel knows it."""
    told = io.StringIO()
    lines = csv.writer(told)
    lines.writerow(HEAD)

    def line(table: str, row: str, title: str, key: str, value: float | None) -> None:
        one = FIGURES[key]
        number = "" if value is None else f"{value:.10g}"
        told_row = (harmless(table), harmless(row), harmless(title), key, one.title, UNITS[one.unit.value])
        lines.writerow((*told_row, number))

    for one in page.definitions:
        line("合计", "", "", one.key, page.figures[one.key])
    for table in page.tables:
        title = GROUPING_TITLES[Grouping(table.by)]
        for row in table.rows:
            for key, value in zip(table.figures, row.values, strict=True):
                line(title, row.key, row.title, key, value)
    return b"\xef\xbb\xbf" + told.getvalue().encode()
