"""A table of the assessment as Excel, CSV or PDF, with the watermark of who took it out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from cti.casework.watermarks import Watermark
from cti.planning_days import CHINA
from cti.reports.csvfile import harmless
from cti.reports.pdf import find_font
from orders.assessment_definitions import FIGURES, Definition, Unit
from orders.assessment_sheet import MonthSheet, Row
from orders.unit_table import LEVELS

__all__ = ["FORMS", "write"]

FORMS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}
"""Form of a file -> its media type."""

PDF_ROWS_MOST = 600
PDF_FIGURES = (
    "sent", "response_rate", "on_time_rate", "solved_rate", "satisfaction_rate", "sign_rate", "contact_rate",
    "handling_hours", "late", "return_rate", "wrong_return_rate", "redo_rate", "first_unit_rate", "cards",
)  # fmt: skip
"""What a table has room for on paper; the workbook has more."""
_FORMATS = {Unit.SHARE: "0.00%", Unit.COUNT: "#,##0", Unit.HOURS: "0.0", Unit.WORK_HOURS: "0.0"}
_BLUE, _GREY, _LINE = (31, 78, 121), (89, 89, 89), (200, 210, 220)


def write(
    sheet: MonthSheet,
    form: str,
    *,
    title: str,
    state: str,
    name: str,
    mark: Watermark,
    font: Path | None = None,
    cache: Path | None = None,
) -> bytes:
    """Return the file of the table `sheet.tables["shown"]`.

    `title` is that of the file, `state` says whether it is frozen, `name` heads the first column.

    Raises:
        ReportRefused: no Chinese font for PDF.
    """
    match form:
        case "xlsx":
            return _excel(sheet, title, state, name, mark)
        case "csv":
            return _csv(sheet, title, state, name, mark)
        case _:
            return _pdf(sheet, title, state, name, mark, find_font(font, cache))


def _value(row: Row, figure: str) -> float | None:
    top, bottom = row.figures[figure]
    if bottom is None:
        return top
    return top / bottom if bottom else None


def _told(row: Row, figure: str) -> str:
    value = _value(row, figure)
    if value is None:
        return "—"
    match FIGURES[figure].unit:
        case Unit.SHARE:
            return f"{value:.2%}"
        case Unit.COUNT:
            return f"{value:,.0f}"
        case _:
            return f"{value:,.1f}"


def _place(row: Row) -> str:
    if row.place is not None:
        return f"{row.place}/{row.ranked}"
    return "数量不足" if row.few and row.key else "—"


def _rows(sheet: MonthSheet) -> Sequence[Row]:
    return (*sheet.tables["shown"], sheet.total)


def _shown(sheet: MonthSheet) -> Sequence[Definition]:
    return [one for one in sheet.definitions if one.key in FIGURES]


# ---------------------------------------------------------------- Excel and CSV


def _excel(sheet: MonthSheet, title: str, state: str, name: str, mark: Watermark) -> bytes:
    book = Workbook()
    first = book.active
    if not isinstance(first, Worksheet):
        raise TypeError("a new workbook has a sheet")
    first.title = "考核结果"
    shown = _shown(sheet)
    _line(first, 1, [title]).font = Font(bold=True, size=16)
    _line(first, 2, [state])
    _line(first, 3, [mark.line])
    _head(first, 4, ["名次", name, "层级", "综合得分", "督办扣分", *(one.title for one in shown)])
    for number, row in enumerate(_rows(sheet), start=5):
        _line(first, number, [_place(row), row.title, LEVELS.get(row.level, "")])
        for column, value in ((4, row.score), (5, row.deducted)):
            _number(first, number, column, value, "0.00")
        for column, one in enumerate(shown, start=6):
            _number(first, number, column, _value(row, one.key), _FORMATS[one.unit])
    parts = book.create_sheet("分子分母")
    shares = [one for one in shown if one.bottom]
    _head(parts, 1, [name, *(text for one in shares for text in (f"{one.title} 分子", f"{one.title} 分母"))])
    for number, row in enumerate(_rows(sheet), start=2):
        _line(parts, number, [row.title])
        for column, one in enumerate(shares):
            top, bottom = row.figures[one.key]
            whole = one.unit is Unit.SHARE
            _number(parts, number, 2 + 2 * column, top, "#,##0" if whole else "#,##0.0")
            _number(parts, number, 3 + 2 * column, bottom, "#,##0")
    words = book.create_sheet("指标口径")
    _head(words, 1, ["指标", "标识", "计算口径", "说明", "权重"])
    for number, one in enumerate(shown, start=2):
        _line(words, number, [one.title, one.key, one.formula, one.note])
        _number(words, number, 5, sheet.policy.weights.get(one.key), "0.##")
    first.freeze_panes, parts.freeze_panes, words.freeze_panes = "C5", "B2", "A2"
    for each, widths in ((first, (10, 26, 10, *(12,) * (len(shown) + 2))), (words, (20, 20, 70, 50, 8))):
        for column, width in enumerate(widths, start=1):
            each.column_dimensions[get_column_letter(column)].width = width
    parts.column_dimensions["A"].width = 26
    for each in (first, parts, words):
        if each.oddFooter is not None:
            each.oddFooter.center.text = mark.line.replace("&", "&&")
    book.properties.title = title
    book.properties.creator = f"{mark.name}（{mark.login}）"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _line(sheet: Worksheet, row: int, texts: Sequence[str]) -> Any:
    """Texts that stay texts, whatever they begin with; return the first cell."""
    for column, text in enumerate(texts, start=1):
        cell = sheet.cell(row=row, column=column)
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
        cell.data_type = "s"
    return sheet.cell(row=row, column=1)


def _head(sheet: Worksheet, row: int, texts: Sequence[str]) -> None:
    _line(sheet, row, texts)
    for column in range(1, len(texts) + 1):
        cell = sheet.cell(row=row, column=column)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="1F4E79")
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    sheet.row_dimensions[row].height = 34


def _number(sheet: Worksheet, row: int, column: int, value: float | None, form: str) -> None:
    if value is not None:
        cell = sheet.cell(row=row, column=column, value=value)
        cell.number_format = form


def _csv(sheet: MonthSheet, title: str, state: str, name: str, mark: Watermark) -> bytes:
    told = io.StringIO()
    lines = csv.writer(told)
    lines.writerow([title, state, mark.line])
    lines.writerow([name, "层级", "名次", "综合得分", "指标", "指标名称", "数值", "分子", "分母"])
    for row in _rows(sheet):
        head = [harmless(row.title), LEVELS.get(row.level, ""), _place(row), _plain(row.score)]
        for one in _shown(sheet):
            top, bottom = row.figures[one.key]
            numbers = (_plain(_value(row, one.key)), _plain(top), _plain(bottom))
            lines.writerow([*head, one.key, one.title, *numbers])
    return b"\xef\xbb\xbf" + told.getvalue().encode()


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


# ---------------------------------------------------------------- PDF


class _Paper(FPDF):
    def __init__(self, title: str, mark: Watermark, font: Path) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self._mark = mark
        self.add_font("zh", fname=str(font))
        self.set_title(title)
        self.set_lang("zh-CN")
        self.set_creation_date(datetime.fromtimestamp(mark.at, CHINA))
        self.set_auto_page_break(auto=True, margin=14)
        self.set_margins(10, 12, 10)
        self.alias_nb_pages()
        self.add_page()

    def header(self) -> None:
        self.set_font("zh", size=15)
        self.set_text_color(225, 228, 232)
        for left, top in ((30, 60), (150, 60), (30, 125), (150, 125), (30, 185), (150, 185)):
            with self.rotation(24, left, top):
                self.text(left, top, self._mark.short)
        self.set_text_color(0)

    def footer(self) -> None:
        self.set_y(-11)
        self.set_font("zh", size=7.5)
        self.set_text_color(*_GREY)
        self.cell(0, 5, f"{self._mark.line}    第 {self.page_no()} / {{nb}} 页", align="C")
        self.set_text_color(0)


def _pdf(sheet: MonthSheet, title: str, state: str, name: str, mark: Watermark, font: Path) -> bytes:
    paper = _Paper(title, mark, font)
    paper.set_font("zh", size=18)
    paper.set_text_color(*_BLUE)
    paper.cell(0, 10, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_text_color(*_GREY)
    paper.set_font("zh", size=9)
    paper.multi_cell(0, 5, state, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_text_color(0)
    paper.ln(1)
    figures = [key for key in PDF_FIGURES if key in {one.key for one in sheet.definitions}]
    rows = _rows(sheet)
    cells = [
        (_place(row), row.title, "—" if row.score is None else f"{row.score:.2f}",
         *(_told(row, key) for key in figures))
        for row in (*rows[:-1][:PDF_ROWS_MOST], rows[-1])
    ]  # fmt: skip
    _paper_table(
        paper,
        ("名次", name, "综合得分", *(FIGURES[key].title for key in figures)),
        cells,
        (13.0, 42.0, 15.0, *(14.8 for _ in figures)),
        2,
    )
    if len(rows) - 1 > PDF_ROWS_MOST:
        paper.multi_cell(0, 5, f"另有 {len(rows) - 1 - PDF_ROWS_MOST} 行未列出，见 Excel。")
    paper.ln(4)
    words = [
        (
            one.title,
            "；".join(filter(None, (one.formula, one.note))),
            f"{sheet.policy.weights.get(one.key, 0):g}",
        )
        for one in _shown(sheet)
    ]
    _paper_table(paper, ("指标", "计算口径与说明", "权重"), words, (38.0, 222.0, 17.0), 2)
    return bytes(paper.output())


def _paper_table(
    paper: FPDF, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], numbers: int
) -> None:
    paper.set_font("zh", size=7.5)
    paper.set_draw_color(*_LINE)
    with paper.table(
        col_widths=tuple(widths),
        text_align=tuple("RIGHT" if column >= numbers else "LEFT" for column in range(len(head))),
        headings_style=FontFace(color=255, fill_color=_BLUE),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=4.4,
        padding=0.7,
    ) as table:
        for cells in (head, *rows):
            line = table.row()
            for text in cells:
                line.cell(text)
