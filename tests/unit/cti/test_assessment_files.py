"""The assessment as files: real numbers, every formula, and who took it out on every sheet and page."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from openpyxl import load_workbook

from cti.casework.assessment_files import write
from cti.casework.watermarks import Watermark
from orders.assessment import Slot, Tally, definitions
from orders.assessment_definitions import FIGURES
from orders.assessment_marks import Kind, Void
from orders.assessment_policy import load_assessment_policy
from orders.assessment_sheet import MonthSheet, row, unit_rows
from orders.unit_table import Unit
from tests.support.asterisk import CACHE

POLICY = load_assessment_policy()
MARK = Watermark(serial="20261122-7F3A9C12E4", login="zhao", name="赵班长", at=1_790_000_000.0)


def sheet() -> MonthSheet:
    """Two units: one with 3 of 4 in time, one called like a formula that has too few orders for a place."""
    good, few = Tally(), Tally()
    good.add(Slot(Kind.RESOLVE, 1, Void.NONE), 3)
    good.add(Slot(Kind.RESOLVE, 0, Void.NONE), 1)
    good.add(Slot(Kind.SENT, 0, Void.NONE), 9)
    few.add(Slot(Kind.SENT, 0, Void.NONE), 1)
    tallies = {"市城管局": good, "=1+1": few}
    rows = unit_rows(tallies, [Unit(name="市城管局")], POLICY, below=False)
    return MonthSheet(
        month=202610, made_at=MARK.at, policy=POLICY, definitions=tuple(definitions(POLICY)),
        total=row("", "合计", good, POLICY), tables={"shown": rows},
    )  # fmt: skip


def written(form: str) -> bytes:
    return write(
        sheet(), form, title="2026-10 考核", state="未封账", name="承办单位", mark=MARK, cache=Path(CACHE)
    )


def test_the_workbook_holds_numbers_formulas_and_the_watermark() -> None:
    book = load_workbook(io.BytesIO(written("xlsx")))
    first = book["考核结果"]
    assert first["A3"].value == MARK.line
    heads = [cell.value for cell in first[4]]
    values = [cell.value for cell in first[5]]
    assert values[heads.index("承办单位")] == "市城管局" and values[heads.index("名次")] == "1/1"
    assert values[heads.index(FIGURES["on_time_rate"].title)] == 0.75
    assert first["A6"].value == "数量不足" and first["B6"].data_type == "s"
    parts = book["分子分母"]
    place = [cell.value for cell in parts[1]].index("按时办结率 分子") + 1
    assert [parts.cell(2, place).value, parts.cell(2, place + 1).value] == [3, 4]
    assert {line[1].value for line in book["指标口径"].iter_rows(min_row=2)} == set(FIGURES)
    footers = [one.oddFooter for one in book.worksheets]
    assert all(one is not None and MARK.serial in (one.center.text or "") for one in footers)


def test_the_csv_names_each_figure_and_is_no_formula() -> None:
    lines = list(csv.reader(io.StringIO(written("csv").decode("utf-8-sig"))))
    assert lines[0][2] == MARK.line
    told = {(line[0], line[4]): line[6:] for line in lines[2:]}
    assert told["市城管局", "on_time_rate"] == ["0.75", "3", "4"]
    assert ("'=1+1", "sent") in told


def test_the_pdf_is_one() -> None:
    if not Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc").exists() and not (CACHE / "fonts").exists():
        pytest.skip("no Chinese font on this machine yet; reports fetch it when they are first written")
    assert written("pdf").startswith(b"%PDF-")
