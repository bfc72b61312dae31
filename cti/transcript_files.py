"""Transcripts as files: plain text to read, CSV for a spreadsheet, JSON for programs. Pure."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

import msgspec

from cti.call_records import CallRecord
from cti.transcripts import CorrectedLine

__all__ = ["MEDIA_TYPES", "SPEAKERS", "FileFormat", "gap_text", "line_body", "written"]

CHINA = ZoneInfo("Asia/Shanghai")
SPEAKERS: Mapping[str, str] = MappingProxyType({"citizen": "市民", "agent": "坐席", "third": "第三方"})
GAPS: Mapping[str, str] = MappingProxyType({"worker_lost": "转写进程中断", "behind": "转写来不及，跳过"})
COLUMNS = (
    "通话编号", "来电号码", "坐席", "通话开始", "起（秒）", "止（秒）", "说话人", "文字",
    "机器转写", "逐字原话", "把握", "更正人", "更正时间", "未转写原因",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins like this is a formula to a spreadsheet."""


class FileFormat(StrEnum):
    """What a transcript is written as."""

    TXT = "txt"  # to read
    CSV = "csv"  # for a spreadsheet, UTF-8 with a byte order mark
    JSON = "json"  # for programs


MEDIA_TYPES: Mapping[FileFormat, str] = MappingProxyType(
    {
        FileFormat.TXT: "text/plain",
        FileFormat.CSV: "text/csv",
        FileFormat.JSON: "application/json",
    }
)

Transcripts = Iterable[tuple[CallRecord, Sequence[CorrectedLine]]]


def written(kind: FileFormat, transcripts: Transcripts) -> bytes:
    """Return the transcripts of these calls as one file."""
    match kind:
        case FileFormat.TXT:
            return "\n\n".join(_text(call, lines) for call, lines in transcripts).encode() + b"\n"
        case FileFormat.CSV:
            return _csv(transcripts)
        case FileFormat.JSON:
            calls = [_json(call, lines) for call, lines in transcripts]
            return msgspec.json.format(msgspec.json.encode({"calls": calls}), indent=1)


def line_body(kept: CorrectedLine) -> dict[str, object]:
    """Return a line with its correction as programs and pages are told it."""
    told: dict[str, object] = msgspec.to_builtins(kept.line)
    return {**told, "correction": msgspec.to_builtins(kept.correction), "marked": kept.marked}


def gap_text(reason: str, seconds: float) -> str:
    """Return the sentence that stands where nobody listened."""
    return f"此处约 {max(1, round(seconds))} 秒未转写：{GAPS.get(reason, '原因不明')}"


def _text(call: CallRecord, lines: Sequence[CorrectedLine]) -> str:
    head = [
        "12345 热线通话转写",
        f"通话编号：{call.call_id}",
        f"来电号码：{call.caller}　接听坐席：{call.agent_id or '—'}　开始时间：{_moment(call.started)}",
        "（时间为录音中的位置；经人工更正的句子附机器转写的原文）",
        "",
    ]
    return "\n".join([*head, *(_sentence(kept) for kept in lines)])


def _sentence(kept: CorrectedLine) -> str:
    line = kept.line
    at = f"[{_length(line.start_s)}]"
    if line.gap:
        return f"{at} ——{gap_text(line.gap, line.end_s - line.start_s)}——"
    told = f"{at} {SPEAKERS.get(line.speaker, line.speaker)}：{kept.text}"
    if kept.correction is None:
        return told
    return f"{told}　（{kept.correction.who} {_moment(kept.correction.at)} 更正，原文：{line.text}）"


def _csv(transcripts: Transcripts) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for call, lines in transcripts:
        for kept in lines:
            line, made = kept.line, kept.correction
            writer.writerow(
                [
                    _cell(value)
                    for value in (
                        call.call_id,
                        call.caller,
                        call.agent_id or "",
                        _moment(call.started),
                        f"{line.start_s:.2f}",
                        f"{line.end_s:.2f}",
                        SPEAKERS.get(line.speaker, line.speaker),
                        kept.text,
                        line.text,
                        line.verbatim,
                        "" if line.confidence is None else f"{line.confidence:.2f}",
                        "" if made is None else made.who,
                        "" if made is None else _moment(made.at),
                        GAPS.get(line.gap, line.gap),
                    )
                ]
            )
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _json(call: CallRecord, lines: Sequence[CorrectedLine]) -> dict[str, object]:
    return {
        "call_id": call.call_id,
        "caller": call.caller,
        "called": call.called,
        "agent_id": call.agent_id,
        "queue": call.queue,
        "started": call.started,
        "recording_started": call.recording_started,
        "lines": [line_body(kept) for kept in lines],
    }


def _moment(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _length(seconds: float) -> str:
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60:02d}:{rest % 60:02d}"
