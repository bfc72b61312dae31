"""One of the four documents of an order as PDF: A4, its Chinese font inside, marked with who took it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos

from cti.casework.document_sections import Section
from cti.casework.documents import Document, DocumentKind
from cti.planning_days import CHINA
from cti.reports.pdf import find_font
from orders.trail import moment

__all__ = ["Mark", "document_bytes", "write"]

INK, GREY, RED, LINE, MARK = (28, 39, 51), (89, 89, 89), (176, 30, 30), (170, 180, 190), (226, 229, 233)
HEADING = "12345 政务服务便民热线"
LABEL_MM, TEXT_MM = 32.0, 142.0
MARK_STEP_MM = (86.0, 52.0)
ROOM_MM = 34.0
"""What must be left on a page for a heading with its first lines."""
SHORT_CHARS = 20
"""Lines that are all so short stand two in a row."""
LINE_CHARS, PIECE_LINES = 36, 18
PIECE_CHARS = LINE_CHARS * PIECE_LINES
"""So much of a long text stands in one row of a table; a row has to fit on a page."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What says on a page who took it out of the house."""

    short: str  # repeated over the page
    line: str  # at the foot


class _Paper(FPDF):
    def __init__(self, document: Document, mark: Mark, font: Path) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._mark = mark
        self._foot = f"{document.serial}　留痕校验 {document.hash}"
        self.add_font("zh", fname=str(font))
        self.set_title(f"{document.title} {document.serial}")
        self.set_lang("zh-CN")
        self.set_creation_date(datetime.fromtimestamp(document.at, CHINA))
        self.set_auto_page_break(auto=True, margin=24)
        self.set_margins(18, 16, 18)
        self.alias_nb_pages()
        self.add_page()

    def header(self) -> None:
        """The watermark, below everything else of the page."""
        self.set_font("zh", size=11)
        self.set_text_color(*MARK)
        across, down = MARK_STEP_MM
        for row in range(int(self.h / down) + 1):
            for column in range(int(self.w / across) + 1):
                left, top = column * across + (row % 2) * across / 2 - 10, row * down + 34
                with self.rotation(28, left, top):
                    self.text(left, top, self._mark.short)
        self.set_text_color(*INK)
        self.set_y(self.t_margin)

    def footer(self) -> None:
        """Serial number, who took it, and the page."""
        self.set_y(-18)
        self.set_font("zh", size=8)
        self.set_text_color(*GREY)
        self.set_draw_color(*LINE)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(1)
        self.cell(0, 4.5, self._foot)
        self.set_x(self.l_margin)
        self.cell(0, 4.5, f"第 {self.page_no()} / {{nb}} 页", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.cell(0, 4.5, self._mark.line)
        self.set_text_color(*INK)

    def head(self, document: Document) -> None:
        self.set_text_color(*RED)
        self.set_font("zh", size=15)
        self.cell(0, 9, HEADING, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("zh", size=24)
        self.set_char_spacing(8)
        self.cell(0, 15, document.title, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_char_spacing(0)
        self.set_font("zh", size=10.5)
        self.cell(0, 7, document.serial, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*RED)
        self.set_line_width(0.7)
        self.line(self.l_margin, self.get_y() + 1.5, self.w - self.r_margin, self.get_y() + 1.5)
        self.set_line_width(0.2)
        self.ln(5)
        self.set_text_color(*INK)

    def section(self, section: Section) -> None:
        if self.get_y() > self.h - self.b_margin - ROOM_MM:
            self.add_page()
        self.set_font("zh", size=11.5)
        self.set_text_color(*RED)
        self.cell(0, 7.5, section.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(*INK)
        self.set_font("zh", size=10.5)
        self.set_draw_color(*LINE)
        short = len(section.lines) > 1 and all(len(line.text) <= SHORT_CHARS for line in section.lines)
        widths = (LABEL_MM, TEXT_MM) if not short else (LABEL_MM, TEXT_MM / 2 - LABEL_MM / 2) * 2
        with self.table(
            col_widths=widths,
            width=LABEL_MM + TEXT_MM,
            text_align="LEFT",
            first_row_as_headings=False,
            borders_layout=TableBordersLayout.ALL,
            line_height=6,
            padding=1.2,
        ) as table:
            for cells in _pairs(section) if short else _singles(section):
                row = table.row()
                for text in cells:
                    row.cell(text)
        self.ln(3)

    def ending(self, document: Document) -> None:
        if self.get_y() > self.h - self.b_margin - ROOM_MM:
            self.add_page()
        self.set_font("zh", size=10.5)
        self.multi_cell(0, 6.5, document.words, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(5)
        whom = "签发" if document.kind is not DocumentKind.CLOSE else "经办"
        for text in (f"{whom}：{document.by}", moment(document.at)):
            self.cell(0, 6.5, text, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _pairs(section: Section) -> Iterator[tuple[str, ...]]:
    """Two lines in one row."""
    cells = [(line.title, line.text) for line in section.lines]
    if len(cells) % 2:
        cells.append(("", ""))
    for left, right in zip(cells[::2], cells[1::2], strict=True):
        yield (*left, *right)


def _singles(section: Section) -> Iterator[tuple[str, ...]]:
    for line in section.lines:
        for place, piece in enumerate(_pieces(line.text)):
            yield (f"{line.title}（续）" if place else line.title, piece)


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text into pieces that each have room on a page."""
    kept: list[str] = []
    lines = 0
    for paragraph in text.split("\n"):
        for start in range(0, max(1, len(paragraph)), PIECE_CHARS):
            piece = paragraph[start : start + PIECE_CHARS]
            needed = max(1, -(-len(piece) // LINE_CHARS))
            if kept and lines + needed > PIECE_LINES:
                yield "\n".join(kept)
                kept, lines = [], 0
            kept.append(piece)
            lines += needed
    yield "\n".join(kept)


def write(document: Document, mark: Mark, font: Path) -> bytes:
    """Return the file; `font` is a TrueType font with Chinese."""
    paper = _Paper(document, mark, font)
    paper.head(document)
    if document.to:
        paper.set_font("zh", size=11.5)
        paper.multi_cell(0, 7.5, f"{document.to}：", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    for section in document.sections:
        paper.section(section)
    paper.ending(document)
    return bytes(paper.output())


def document_bytes(document: bytes, mark: bytes, font: Path | None, cache: Path | None) -> bytes:
    """Write a document that comes as JSON, for a process of its own. Raises ReportRefused: no font."""
    found = find_font(font, cache)
    return write(msgspec.json.decode(document, type=Document), msgspec.json.decode(mark, type=Mark), found)
