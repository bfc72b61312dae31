"""A report as PDF, with its Chinese font inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from asterisk_conf import debs
from asterisk_conf.errors import AsteriskConfError
from cti.figures.definitions import GROUP_TITLES, Definition
from cti.planning_days import CHINA
from cti.reports.files import facts_of, moment, shown, title_of
from cti.reports.pages import Page, Table
from cti.reports.specs import Grouping, ReportRefused

__all__ = ["FONT_PACKAGE", "find_font", "write"]

FONT_PACKAGE = "fonts-wqy-microhei"
"""WenQuanYi Micro Hei: TrueType, so that only the characters that are used go into a file. Apache-2.0, or
GPL-3 with the exception that documents may hold it."""
FONT_FILE = "usr/share/fonts/truetype/wqy/wqy-microhei.ttc"

BLUE, PALE, GREY, RED = (31, 78, 121), (221, 235, 247), (89, 89, 89), (192, 57, 43)
LINE = (200, 210, 220)
ROWS_MAX = 400
"""Rows of a table on paper; the workbook has them all."""
BREAKS_MAX = 200
HEADING_ROOM = 62
"""Millimetres that must be left on a page for a heading with its note, the head of a table and two rows."""
CALL_COLUMNS = (
    "offered", "answered", "abandoned", "answer_rate", "service_level", "speed_of_answer", "longest_wait",
    "average_talk", "average_wrap_up", "missed_rings", "transferred", "satisfaction_rate", "orders",
)  # fmt: skip
AGENT_COLUMNS = (
    "handled", "average_talk", "average_hold", "average_wrap_up", "handling_time", "missed_rings", "rated",
    "satisfaction_rate", "orders", "signed_in_s", "not_ready_s", "occupancy", "utilisation",
)  # fmt: skip
"""What a table has room for on paper; the workbook has more."""


def find_font(font: Path | None, cache: Path | None) -> Path:
    """Return a TrueType font with Chinese: the one that is set, or Debian's, unpacked into the cache.

    Raises ReportRefused when there is none and none can be had.
    """
    if font is not None:
        if not font.is_file():
            raise ReportRefused("reports.font", f"找不到字体文件 {font}，请检查 reports.font")
        return font
    installed = Path("/") / FONT_FILE
    if installed.is_file():
        return installed
    if cache is None:
        raise ReportRefused("reports.font", f"没有中文字体；请安装 {FONT_PACKAGE}，或设置 reports.font")
    try:
        tree = debs.provide((FONT_PACKAGE,), debs.HOST, cache / "fonts")
    except AsteriskConfError as error:
        why = str(error).strip().rpartition("\n")[2][:200]  # apt says what is wrong at the end
        raise ReportRefused(
            "reports.font",
            f"取不到中文字体，请检查软件源，或安装 {FONT_PACKAGE}，或用 reports.font 指定字体文件（{why}）",
        ) from error
    return tree.root / FONT_FILE


class _Paper(FPDF):
    def __init__(self, page: Page, font: Path) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self._title = page.spec.title
        self._made = moment(page.made_at)
        self.add_font("zh", fname=str(font))
        self.set_title(page.spec.title)
        self.set_lang("zh-CN")
        self.set_creation_date(datetime.fromtimestamp(page.made_at, CHINA))
        self.set_auto_page_break(auto=True, margin=14)
        self.set_margins(12, 12, 12)
        self.alias_nb_pages()
        self.add_page()

    def footer(self) -> None:
        self.set_y(-11)
        self.set_font("zh", size=8)
        self.set_text_color(*GREY)
        self.cell(0, 5, f"{self._title}    生成于 {self._made}    第 {self.page_no()} / {{nb}} 页", align="C")
        self.set_text_color(0)

    def heading(self, text: str, size: int = 13) -> None:
        if self.get_y() > self.h - HEADING_ROOM:
            self.add_page()
        self.ln(3)
        self.start_section(text)
        self.set_font("zh", size=size)
        self.set_text_color(*BLUE)
        self.cell(0, 8, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)

    def small(self, text: str) -> None:
        self.set_font("zh", size=8)
        self.set_text_color(*GREY)
        self.multi_cell(0, 4.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)

    def rows(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], numbers_from: int
    ) -> None:
        """A table whose head is on every page; columns from `numbers_from` on stand right."""
        self.set_font("zh", size=7.5)
        self.set_fill_color(255)
        self.set_draw_color(*LINE)
        align = tuple("RIGHT" if number >= numbers_from else "LEFT" for number in range(len(head)))
        with self.table(
            col_widths=tuple(widths),
            text_align=align,
            headings_style=FontFace(color=255, fill_color=BLUE),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            cell_fill_color=(245, 249, 253),
            cell_fill_mode="ROWS",
            line_height=4.4,
            padding=0.7,
        ) as table:
            for cells in (head, *rows):
                row = table.row()
                for text in cells:
                    row.cell(text)


def write(page: Page, font: Path) -> bytes:
    """Return the file."""
    paper = _Paper(page, font)
    _head(paper, page)
    _summary(paper, page)
    _causes(paper, page)
    for table in page.tables:
        _table(paper, table)
    _breaks(paper, page)
    _definitions(paper, page.definitions)
    return bytes(paper.output())


def _head(paper: _Paper, page: Page) -> None:
    paper.set_font("zh", size=20)
    paper.set_text_color(*BLUE)
    paper.cell(0, 12, page.spec.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_text_color(0)
    for name, value in facts_of(page):
        paper.set_font("zh", size=9)
        paper.set_text_color(*GREY)
        paper.cell(44, 5, name)
        paper.set_text_color(0)
        paper.multi_cell(0, 5, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _summary(paper: _Paper, page: Page) -> None:
    paper.heading("概览")
    entries = [(title_of(one.key), shown(one.key, page.figures[one.key])) for one in page.definitions]
    columns = 4
    length = -(-len(entries) // columns)
    rows = []
    for number in range(length):
        cells: list[str] = []
        for column in range(columns):
            place = column * length + number
            cells.extend(entries[place] if place < len(entries) else ("", ""))
        rows.append(cells)
    paper.set_font("zh", size=8)
    paper.set_draw_color(*LINE)
    with paper.table(
        col_widths=(44, 22) * columns,
        text_align=("LEFT", "RIGHT") * columns,
        first_row_as_headings=False,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=4.8,
        padding=(0.7, 4.0, 0.7, 0.7),  # so that a number does not touch the next title
    ) as table:
        for cells in rows:
            row = table.row()
            for text in cells:
                row.cell(text)


def _causes(paper: _Paper, page: Page) -> None:
    paper.heading("未达标来电的原因")
    total = sum(why.count for why in page.causes)
    if not total:
        paper.small("所有请求人工的来电都在规定时间内接通。")
        return
    width = 120.0
    for why in page.causes:
        if not why.count:
            continue
        if paper.get_y() > paper.h - 24:
            paper.add_page()
        paper.set_font("zh", size=9)
        paper.cell(48, 6, why.title)
        left, top = paper.get_x(), paper.get_y()
        paper.set_fill_color(*PALE)
        paper.rect(left, top + 1, width, 4, style="F")
        paper.set_fill_color(*RED)
        paper.rect(left, top + 1, width * why.count / total, 4, style="F")
        paper.set_x(left + width + 4)
        paper.cell(30, 6, f"{why.count:,}（{why.count / total:.1%}）", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _table(paper: _Paper, table: Table) -> None:
    name = table.title.removeprefix("按")
    paper.heading(table.title)
    if table.note:
        paper.small(table.note)
    if not table.rows:
        paper.small("本时段没有数据。")
        return
    shown_rows = table.rows[:ROWS_MAX]
    wanted = AGENT_COLUMNS if table.by == Grouping.AGENT else CALL_COLUMNS
    places = [table.figures.index(key) for key in wanted]
    head = (name, *(title_of(key).replace("（", "\n（") for key in wanted))
    rows = [
        (row.title, *(shown(key, row.values[place]) for key, place in zip(wanted, places, strict=True)))
        for row in shown_rows
    ]
    paper.ln(1)
    paper.rows(head, rows, (36.0, *(18.0 for _ in wanted)), 1)
    left_out = len(table.rows) - len(shown_rows) + table.more
    if left_out:
        paper.small(f"另有 {left_out} 行未列出，见 Excel。")


def _breaks(paper: _Paper, page: Page) -> None:
    if not page.breaks:
        return
    paper.heading("未达标来电清单")
    titles = {why.key: why.title for why in page.causes}
    rows = [
        (
            moment(one.started),
            one.queue or "（未进入队列）",
            "—" if one.waited_s is None else f"{one.waited_s:,.1f}",
            "超时接通" if one.answered else "未接通",
            titles[one.cause],
            one.call_id,
        )
        for one in page.breaks[:BREAKS_MAX]
    ]
    head = ("来电开始", "技能队列", "等待（秒）", "结果", "原因", "通话编号")
    paper.rows(head, rows, (32, 40, 22, 22, 50, 60), 9)
    left_out = len(page.breaks) - len(rows) + page.breaks_more
    if left_out:
        paper.small(f"另有 {left_out:,} 个未列出，见 Excel。")


def _definitions(paper: _Paper, definitions: Sequence[Definition]) -> None:
    paper.heading("指标口径")
    rows = [
        (GROUP_TITLES[one.group], one.title, "；".join(filter(None, (one.formula, one.note, one.source))))
        for one in definitions
    ]
    paper.rows(("类别", "指标", "计算口径、说明与来源"), rows, (26, 46, 190), 9)
