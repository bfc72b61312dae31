"""Tables for people and CSV for spreadsheets."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from acd.errors import InvalidValue

__all__ = ["percent", "seconds", "table", "width", "write_csv", "write_text"]


def percent(share: float | None) -> str:
    """A share for people: 0.9573 is 95.7%, unknown is a dash."""
    return "—" if share is None else f"{100 * share:.1f}%"


def seconds(value: float | None) -> str:
    """Seconds for people: one decimal, unknown is a dash."""
    return "—" if value is None else f"{value:.1f}"


def width(text: str) -> int:
    """Columns that a text takes in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under headings; the first to the left, the others to the right."""
    cells = [list(headings), *([str(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(headings))]
    lines = []
    for row in cells:
        padded = [" " * (most - width(cell)) for cell, most in zip(row, widths, strict=True)]
        lines.append(
            "  ".join((row[0] + padded[0], *(p + c for p, c in zip(padded[1:], row[1:], strict=True))))
        )
    return "\n".join(line.rstrip() for line in lines)


def write_csv(path: Path, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV file in UTF-8 that Excel recognises, too.

    Raises:
        InvalidValue: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(headings)
            writer.writerows(rows)
    except OSError as error:
        raise _unwritable("csv", path, error) from error


def write_text(key: str, path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        InvalidValue: the file cannot be written; `key` names the option.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(key, path, error) from error


def _unwritable(key: str, path: Path, error: OSError) -> InvalidValue:
    return InvalidValue(key, str(path), f"name a file that can be written ({error.strerror})")
