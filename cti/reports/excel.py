"""A report as an Excel workbook: real numbers, frozen heads, and a sheet that says what each figure means."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from cti.figures.definitions import FIGURES, GROUP_TITLES, Unit
from cti.planning_days import CHINA
from cti.reports.files import facts_of, title_of
from cti.reports.pages import Page, Table

__all__ = ["write"]

FORMATS = {Unit.COUNT: "#,##0", Unit.SHARE: "0.00%", Unit.SECONDS: "#,##0.0", Unit.SCORE: "0.00"}
TIME_FORMAT = "yyyy-mm-dd hh:mm:ss"
CELL_MAX = 32_000
"""Excel takes 32,767 characters a cell."""

_HEAD = Font(bold=True, color="FFFFFF")
_HEAD_FILL = PatternFill("solid", fgColor="1F4E79")
_GROUP_FILL = PatternFill("solid", fgColor="DDEBF7")
_LINE = Border(bottom=Side(style="hair", color="BFBFBF"))


def write(page: Page) -> bytes:
    """Return the workbook."""
    book = Workbook()
    first = book.active
    if not isinstance(first, Worksheet):
        raise TypeError("a new workbook has a sheet")
    first.title = "概览"
    _overview(first, page)
    for table in page.tables:
        _table(book.create_sheet(table.title), table)
    _breaks(book.create_sheet("未达标来电"), page)
    _definitions(book.create_sheet("指标口径"), page)
    book.properties.title = _clean(page.spec.title)
    book.properties.creator = "12345 热线"
    book.properties.created = book.properties.modified = datetime.fromtimestamp(page.made_at, CHINA).replace(
        tzinfo=None, microsecond=0
    )
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _text(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """A text that stays a text, whatever it begins with."""
    cell = sheet.cell(row=row, column=column)
    if not isinstance(cell, Cell):
        raise TypeError("a merged cell takes no text")
    cell.value = _clean(text)
    cell.data_type = "s"
    return cell


def _clean(text: str) -> str:
    """Without the characters that no XML may hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)[:CELL_MAX]


def _number(sheet: Worksheet, row: int, column: int, key: str, value: float | None) -> None:
    cell = sheet.cell(row=row, column=column)
    unit = FIGURES[key].unit
    if value is None:
        _text(sheet, row, column, "—").alignment = Alignment(horizontal="right")
        return
    cell.value = int(value) if unit is Unit.COUNT else value
    cell.number_format = FORMATS[unit]


def _head(sheet: Worksheet, row: int, titles: Sequence[str]) -> None:
    for column, title in enumerate(titles, start=1):
        cell = _text(sheet, row, column, title)
        cell.font, cell.fill = _HEAD, _HEAD_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    sheet.row_dimensions[row].height = 34


def _widths(sheet: Worksheet, *widths: float) -> None:
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def _overview(sheet: Worksheet, page: Page) -> None:
    _text(sheet, 1, 1, page.spec.title).font = Font(bold=True, size=16)
    row = 2
    for name, value in facts_of(page):
        _text(sheet, row, 1, name).font = Font(color="595959")
        _text(sheet, row, 2, value)
        row += 1
    row += 1
    _head(sheet, row, ("指标", "数值", "计算口径", "说明", "来源"))
    sheet.freeze_panes = f"B{row + 1}"
    group = None
    for one in page.definitions:
        row += 1
        if one.group is not group:
            group = one.group
            _text(sheet, row, 1, GROUP_TITLES[group]).font = Font(bold=True)
            for column in range(1, 6):
                sheet.cell(row=row, column=column).fill = _GROUP_FILL
            row += 1
        _text(sheet, row, 1, title_of(one.key))
        _number(sheet, row, 2, one.key, page.figures[one.key])
        for column, text in enumerate((one.formula, one.note, one.source), 3):
            _text(sheet, row, column, text).alignment = Alignment(wrap_text=True, vertical="top")
    row += 2
    _head(sheet, row, ("未达标原因", "来电数", "判定"))
    for why in page.causes:
        row += 1
        _text(sheet, row, 1, why.title)
        sheet.cell(row=row, column=2).value = why.count
        _text(sheet, row, 3, why.rule)
    _widths(sheet, 28, 16, 64, 40, 30)


def _table(sheet: Worksheet, table: Table) -> None:
    _head(sheet, 1, (table.title.removeprefix("按"), *(title_of(key) for key in table.figures)))
    for number, row in enumerate(table.rows, start=2):
        _text(sheet, number, 1, row.title)
        for column, (key, value) in enumerate(zip(table.figures, row.values, strict=True), start=2):
            _number(sheet, number, column, key, value)
    last = len(table.rows) + 2
    if not table.rows:
        _text(sheet, 2, 1, "本时段没有数据")
    for note in (table.note, f"另有 {table.more} 行未列出" if table.more else ""):
        if note:
            last += 1
            _text(sheet, last, 1, note).font = Font(italic=True, color="595959")
    sheet.freeze_panes = "B2"
    if table.rows:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.figures) + 1)}{len(table.rows) + 1}"
    _widths(sheet, 26, *(13.0 for _ in table.figures))


def _breaks(sheet: Worksheet, page: Page) -> None:
    titles = {why.key: why.title for why in page.causes}
    _head(sheet, 1, ("来电开始", "技能队列", "等待（秒）", "结果", "原因", "通话编号"))
    for number, one in enumerate(page.breaks, start=2):
        cell = sheet.cell(row=number, column=1)
        cell.value = datetime.fromtimestamp(one.started, CHINA).replace(tzinfo=None, microsecond=0)
        cell.number_format = TIME_FORMAT
        _text(sheet, number, 2, one.queue or "（未进入队列）")
        if one.waited_s is not None:
            wait = sheet.cell(row=number, column=3)
            wait.value, wait.number_format = one.waited_s, FORMATS[Unit.SECONDS]
        _text(sheet, number, 4, "超时接通" if one.answered else "未接通")
        _text(sheet, number, 5, titles[one.cause])
        _text(sheet, number, 6, one.call_id)
    if page.breaks_more:
        _text(sheet, len(page.breaks) + 3, 1, f"另有 {page.breaks_more} 个未列出；原因统计见“概览”")
    sheet.freeze_panes = "A2"
    _widths(sheet, 20, 22, 12, 12, 26, 30)


def _definitions(sheet: Worksheet, page: Page) -> None:
    _head(sheet, 1, ("指标", "标识", "计算口径", "说明", "来源"))
    for number, one in enumerate(page.definitions, start=2):
        for column, text in enumerate(
            (title_of(one.key), one.key, one.formula, one.note, one.source), start=1
        ):
            cell = _text(sheet, number, column, text)
            cell.alignment, cell.border = Alignment(wrap_text=True, vertical="top"), _LINE
    sheet.freeze_panes = "A2"
    _widths(sheet, 28, 26, 64, 40, 30)
