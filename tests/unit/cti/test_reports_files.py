"""Reports as files: what a spreadsheet or a program reads from them."""

from __future__ import annotations

import csv
import io
import json
import pickle
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell

from asterisk_conf import debs
from asterisk_conf.errors import ProvideError
from cti.figures.definitions import FIGURES
from cti.figures.facts import CallFact, CallKind, Facts
from cti.reports.csvfile import harmless
from cti.reports.files import write_bytes
from cti.reports.pages import Page, digest_of, encode
from cti.reports.pdf import FONT_PACKAGE, find_font
from cti.reports.specs import Filter, Grouping, ReportRefused, daily, special
from tests.support.report_days import make, some_facts, table_of

DAY = daily(date(2026, 11, 20))
FACTS = some_facts(11, DAY.span, calls=150)
PAGE = make(DAY, FACTS)
WORKBOOK = load_workbook(io.BytesIO(write_bytes(PAGE, "xlsx")))


def told(sheet: str, row: int, column: int) -> Cell:
    cell = WORKBOOK[sheet].cell(row, column)
    assert isinstance(cell, Cell)
    return cell


def test_the_workbook_has_a_sheet_for_each_table_one_of_late_calls_and_one_of_definitions() -> None:
    tables = [table.title for table in PAGE.tables]
    assert WORKBOOK.sheetnames == ["概览", *tables, "未达标来电", "指标口径"]


def test_figures_are_numbers_with_a_format_and_what_cannot_be_divided_is_a_dash() -> None:
    sheet, table = WORKBOOK["按技能队列"], table_of(PAGE, "queue")
    for place, row in enumerate(table.rows, start=2):
        assert sheet.cell(place, 1).value == row.title
        for column, (key, value) in enumerate(zip(table.figures, row.values, strict=True), start=2):
            cell = told("按技能队列", place, column)
            if value is None:
                assert cell.value == "—"
            else:
                assert cell.data_type == "n", key
                assert cell.value == pytest.approx(value), key
                assert ("%" in cell.number_format) == (FIGURES[key].unit == "share")


def test_heads_stay_in_view_and_rows_can_be_filtered() -> None:
    for sheet in WORKBOOK.worksheets[1:]:
        assert sheet.freeze_panes in ("B2", "A2"), sheet.title
        assert sheet["A1"].font.bold
    queues = WORKBOOK["按技能队列"]
    assert queues.auto_filter.ref == queues.dimensions == f"A1:Y{len(table_of(PAGE, 'queue').rows) + 1}"
    overview = WORKBOOK["概览"]
    head = int(str(overview.freeze_panes)[1:]) - 1
    assert [overview.cell(head, n).value for n in range(1, 4)] == ["指标", "数值", "计算口径"]


def test_every_figure_stands_beside_its_formula() -> None:
    rows = {row[1]: row for row in WORKBOOK["指标口径"].iter_rows(min_row=2, values_only=True)}
    assert set(rows) == set(FIGURES)
    for one in PAGE.definitions:
        assert rows[one.key][2] == one.formula
    overview = {row[0]: row for row in WORKBOOK["概览"].iter_rows(values_only=True) if row[0]}
    assert overview["接通率"][1] == pytest.approx(PAGE.figures["answer_rate"])
    assert overview["接通率"][2] == "接通量 ÷ 请求人工量"


def test_late_calls_are_listed_with_real_times_and_their_cause() -> None:
    sheet, first = WORKBOOK["未达标来电"], PAGE.breaks[0]
    assert sheet.max_row == len(PAGE.breaks) + 1
    begun = sheet.cell(2, 1).value
    assert isinstance(begun, datetime)
    assert (begun.hour, begun.minute) == divmod(int(first.started - DAY.since) // 60, 60)
    assert sheet.cell(2, 6).value == first.call_id
    assert sheet.cell(2, 5).value in {why.title for why in PAGE.causes}


def test_what_looks_like_a_formula_stays_a_text_in_the_workbook() -> None:
    sheet = WORKBOOK["按事项分类"]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "=1+1")
    assert row[0].data_type == "s"
    assert "<f>" not in _xml(write_bytes(PAGE, "xlsx"))


def _xml(workbook: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist() if "sheets/" in name)


def test_characters_that_a_workbook_cannot_hold_are_left_out() -> None:
    spec = special(DAY.since, DAY.until, title="话务\x0b专报", by=(Grouping.QUEUE,))
    book = load_workbook(io.BytesIO(write_bytes(make(spec, FACTS), "xlsx")))
    assert book["概览"]["A1"].value == "话务专报"


def test_the_csv_has_one_line_for_each_figure_of_each_row() -> None:
    content = write_bytes(PAGE, "csv")
    assert content.startswith("\ufeff表,".encode())
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    cells = sum(len(table.rows) * len(table.figures) for table in PAGE.tables)
    assert len(lines) == len(PAGE.figures) + cells
    whole = {line["指标"]: line["数值"] for line in lines if line["表"] == "合计"}
    for key, value in PAGE.figures.items():
        assert whole[key] == "" if value is None else float(whole[key]) == pytest.approx(value)


@pytest.mark.parametrize("text", ["=1+1", "+8612345", "-2", "@sum", "\tx", "\rx"])
def test_no_cell_of_the_csv_is_taken_for_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    facts = Facts.of([_about(text)])
    content = write_bytes(make(special(DAY.since, DAY.until, by=(Grouping.CATEGORY,)), facts), "csv")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert {row[1] for row in rows[1:] if row[0] == "事项分类"} == {f"'{text}"}
    for row in rows:
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)


def _about(category: str) -> CallFact:
    return replace(FACTS.calls[0], category=category, kind=CallKind.INBOUND)


def test_the_json_of_a_page_is_the_same_each_time_and_reads_back() -> None:
    data = write_bytes(PAGE, "json")
    assert data == encode(make(DAY, FACTS))
    assert digest_of(data) == digest_of(encode(PAGE))
    assert json.loads(data)["spec"]["kind"] == "daily"


def test_a_filter_stands_at_the_head_of_a_file() -> None:
    spec = special(DAY.since, DAY.until, by=(Grouping.QUEUE,), which=Filter(district="新城区"))
    book = load_workbook(io.BytesIO(write_bytes(make(spec, FACTS), "xlsx")))
    heads = {row[0]: row[1] for row in book["概览"].iter_rows(max_row=8, values_only=True)}
    assert heads["筛选"] == "区县＝新城区"
    assert heads["统计时段"] == "2026-11-20 00:00 至 2026-11-21 00:00（不含）"


def test_another_form_is_refused() -> None:
    with pytest.raises(ReportRefused, match="xlsx"):
        write_bytes(PAGE, "docx")


def test_a_refusal_survives_the_way_out_of_the_rooms_process() -> None:
    refused = pickle.loads(pickle.dumps(ReportRefused("reports.font", "没有中文字体")))  # noqa: S301
    assert (refused.key, refused.shown) == ("reports.font", "没有中文字体")


def test_a_font_that_is_set_and_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportRefused, match=r"nothing\.ttf"):
        find_font(tmp_path / "nothing.ttf", None)


def test_without_font_and_network_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> None:
        raise ProvideError("apt-get install failed:\nReading lists\nE: Unable to locate package")

    monkeypatch.setattr("cti.reports.pdf.FONT_FILE", "nowhere/none.ttc")
    monkeypatch.setattr(debs, "provide", no_network)
    with pytest.raises(ReportRefused) as refused:
        find_font(None, tmp_path)
    assert FONT_PACKAGE in refused.value.shown
    assert "reports.font" in refused.value.shown
    assert "Unable to locate" in refused.value.shown


def test_the_page_is_a_struct_that_other_programs_can_read_back() -> None:
    assert msgspec.json.decode(encode(PAGE), type=Page) == PAGE
