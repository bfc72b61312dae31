"""Tables of orders in files: CSV, JSON lines, Excel; read and written row by row, however long they are.

A file that was written here begins with its watermark and can be read back. Text is UTF-8, with or without a
mark, or GB 18030; which one is found out before anything is read.
"""

from __future__ import annotations

import codecs
import csv
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from zipfile import BadZipFile

import msgspec
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException

from cti.errors import HotlineError
from cti.reports.csvfile import harmless
from orders.import_rows import EXTRA

__all__ = ["FORMS", "HISTORY", "TableUnreadable", "Writer", "encoding_of", "rows_of", "writer_for"]

FORMS = ("csv", "jsonl", "xlsx")
CELL_MOST = 262_144
"""Characters of one cell, or bytes of a line of JSON without a history; more is no table of orders."""
LINE_MOST = 64 << 20
HISTORY = "history"
"""Key of a JSON line that carries the whole history of an order."""
_MARK = "水印编号"


class TableUnreadable(HotlineError):
    """The file is no table; the message is Chinese and says what to do."""


def encoding_of(file: Path) -> tuple[str, str]:
    """Return a text file's encoding for Python, and what people call it. Raises TableUnreadable."""
    with file.open("rb") as source:
        start = source.read(4)
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise TableUnreadable(f"{file.name} 是 UTF-16（Unicode 文本），请另存为“CSV UTF-8”")
        if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise TableUnreadable(
                f"{file.name} 是 Excel 工作簿，请把扩展名改为 .xlsx（或 --format xlsx），或另存为“CSV UTF-8”"
            )
        for encoding, title in (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")):
            source.seek(0)
            if _decodes(source, encoding):
                marked = encoding == "utf-8-sig" and start.startswith(codecs.BOM_UTF8)
                return encoding, f"{title}（带标记）" if marked else title
    raise TableUnreadable(f"{file.name} 既不是 UTF-8 也不是 GB18030 编码，请另存为“CSV UTF-8”")


def _decodes(source: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := source.read(1 << 20):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def rows_of(file: Path, form: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with the line it stands in, by its headings; empty rows and watermarks are passed over.

    Raises TableUnreadable.
    """
    match form:
        case "csv":
            yield from _csv(file)
        case "jsonl":
            yield from _jsonl(file)
        case _:
            yield from _xlsx(file)


def _csv(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    encoding, _ = encoding_of(file)
    csv.field_size_limit(CELL_MOST)
    with file.open(encoding=encoding, newline="") as source:
        lines = csv.reader(source, strict=True)
        try:
            yield from _headed(((lines.line_num, cells) for cells in lines), file.name)
        except csv.Error as error:
            raise TableUnreadable(f"{file.name} 第 {lines.line_num} 行：{_csv_words(error)}") from None


def _csv_words(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"单元格超过 {CELL_MOST} 个字，请缩短"
    return "引号不成对，或不是 CSV 文件"


def _headed(lines: Iterable[tuple[int, Sequence[str]]], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    heading: list[str] | None = None
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if heading is None:
            if _MARK in cells[0]:
                continue
            heading = [cell.strip() for cell in cells]
            twice = {title for title in heading if title and heading.count(title) > 1}
            if twice:
                raise TableUnreadable(f"{name} 有重复的列：{'、'.join(sorted(twice))}")
            continue
        more = " ".join(cells[len(heading) :]).strip()
        if more:
            yield number, {**dict(zip(heading, cells, strict=False)), EXTRA: more}
            continue
        yield number, dict(zip(heading, cells, strict=False))
    if heading is None:
        raise TableUnreadable(f"{name} 是空的，第一行须是列名")


def _jsonl(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    encoding, _ = encoding_of(file)
    with file.open(encoding=encoding) as source:
        number = 0
        while line := source.readline(LINE_MOST):
            number += 1
            if not line.strip():
                continue
            try:
                told = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError:
                raise TableUnreadable(f"{file.name} 第 {number} 行不是一个 JSON 对象") from None
            if "watermark" in told:
                continue
            if HISTORY not in told:
                told = {key: value if isinstance(value, str) else "" for key, value in told.items()}
            yield number, told


def _xlsx(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError):
        raise TableUnreadable(f"{file.name} 不是 Excel 工作簿（.xlsx）") from None
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        yield from _headed(
            ((number, [_cell(value) for value in row]) for number, row in enumerate(rows, start=1)), file.name
        )
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


# ---------------------------------------------------------------- writing


class Writer(Protocol):
    """Writes a table row by row."""

    def row(self, values: Mapping[str, str]) -> None: ...

    def close(self) -> None: ...


class _Csv:
    def __init__(self, file: Path, columns: Sequence[str], mark: str) -> None:
        self._columns = columns
        self._file = file.open("w", encoding="utf-8-sig", newline="")
        self._lines = csv.writer(self._file)
        self._lines.writerow((mark,))
        self._lines.writerow(columns)

    def row(self, values: Mapping[str, str]) -> None:
        self._lines.writerow([harmless(values.get(name, "")) for name in self._columns])

    def close(self) -> None:
        self._file.close()


class _Jsonl:
    def __init__(self, file: Path, columns: Sequence[str], mark: str) -> None:
        self._file = file.open("wb")
        self._file.write(msgspec.json.encode({"watermark": mark}) + b"\n")

    def row(self, values: Mapping[str, Any]) -> None:
        self._file.write(msgspec.json.encode(values) + b"\n")

    def close(self) -> None:
        self._file.close()


class _Xlsx:
    def __init__(self, file: Path, columns: Sequence[str], mark: str) -> None:
        self._path, self._columns = file, columns
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("工单")
        self._sheet.append([mark])
        self._sheet.append(list(columns))

    def row(self, values: Mapping[str, str]) -> None:
        cells = (ILLEGAL_CHARACTERS_RE.sub("", values.get(name, "")) for name in self._columns)
        self._sheet.append([harmless(cell) for cell in cells])

    def close(self) -> None:
        self._book.save(self._path)


def writer_for(file: Path, form: str, columns: Sequence[str], mark: str) -> Writer:
    """Return what writes this file; `mark` is the watermark's line, which it begins with."""
    made = {"csv": _Csv, "jsonl": _Jsonl, "xlsx": _Xlsx}[form]
    writer: Writer = made(file, columns, mark)  # type: ignore[assignment]
    return writer
