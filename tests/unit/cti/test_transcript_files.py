"""Transcripts as files."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from cti.call_records import CallRecord, TranscriptLine
from cti.transcript_files import FileFormat, gap_text, written
from cti.transcripts import CorrectedLine, Correction

CALL = CallRecord(call_id="c1", caller="13800138000", called="12345", agent_id="li", started=1_800_000_000.0)


def line(text: str, start: float = 2.0, *, speaker: str = "citizen", gap: str = "") -> TranscriptLine:
    return TranscriptLine(
        line_id=f"l{start:g}",
        speaker=speaker,
        text=text,
        verbatim=f"嗯{text}",
        start_s=start,
        end_s=start + 3.2,
        confidence=None if gap else 0.81,
        words=[],
        gap=gap,
    )


def as_file(kind: FileFormat, *lines: CorrectedLine) -> str:
    return written(kind, [(CALL, lines)]).decode()


LINES = (
    CorrectedLine(line=line("您好", 0.5, speaker="agent")),
    CorrectedLine(
        line=line("六一街道停水了", 75.0),
        correction=Correction(version=2, text="五一街道停水了", who="li", at=1_800_000_500.0),
    ),
    CorrectedLine(line=line("", 80.0, gap="worker_lost")),
    CorrectedLine(line=line("我是物业", 3700.0, speaker="third")),
)


def test_text_tells_who_said_what_when() -> None:
    told = as_file(FileFormat.TXT, *LINES).splitlines()
    assert "来电号码：13800138000　接听坐席：li　开始时间：2027-01-15 16:00:00" in told
    assert "[00:00] 坐席：您好" in told
    assert "[1:01:40] 第三方：我是物业" in told


def test_a_correction_stands_with_the_original_beside_it() -> None:
    told = as_file(FileFormat.TXT, *LINES)
    assert "[01:15] 市民：五一街道停水了　（li 2027-01-15 16:08:20 更正，原文：六一街道停水了）" in told


def test_a_gap_is_marked() -> None:
    assert "[01:20] ——此处约 3 秒未转写：转写进程中断——" in as_file(FileFormat.TXT, *LINES)
    assert gap_text("behind", 0.2) == "此处约 1 秒未转写：转写来不及，跳过"


def test_a_spreadsheet_reads_the_table_with_original_and_correction() -> None:
    told = as_file(FileFormat.CSV, *LINES)
    assert told.startswith("\ufeff通话编号,")
    rows = list(csv.DictReader(io.StringIO(told.removeprefix("\ufeff"))))
    assert [row["说话人"] for row in rows] == ["坐席", "市民", "市民", "第三方"]
    assert (rows[1]["文字"], rows[1]["机器转写"], rows[1]["更正人"]) == (
        "五一街道停水了",
        "六一街道停水了",
        "li",
    )
    assert rows[2]["未转写原因"] == "转写进程中断"


@pytest.mark.parametrize("said", ["=1+1", "+1", "-1", "@now"])
def test_what_a_citizen_says_is_no_formula(said: str) -> None:
    told = as_file(FileFormat.CSV, CorrectedLine(line=line(said)))
    (row,) = csv.DictReader(io.StringIO(told.removeprefix("\ufeff")))
    assert row["文字"] == f"'{said}"


def test_programs_get_line_and_correction_apart() -> None:
    told = msgspec.json.decode(as_file(FileFormat.JSON, *LINES))
    (call,) = told["calls"]
    assert (call["call_id"], call["lines"][1]["text"]) == ("c1", "六一街道停水了")
    assert call["lines"][1]["correction"]["text"] == "五一街道停水了"
    assert call["lines"][0]["correction"] is None
