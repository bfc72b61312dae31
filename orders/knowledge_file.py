"""Articles from an Excel, CSV or YAML file, checked whole: a file with one wrong line is not taken. Pure.

Tables: `id,question,variants,answer,basis,unit,area,valid_from,valid_until,review_on,public`, or the Chinese
heads in `TITLES`; variants are divided by ; or |.
YAML: a list `articles` of the same keys, variants as a list. Without an id, the question is the id.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zipfile import BadZipFile

import msgspec
import yaml
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from orders.errors import OrderError
from orders.knowledge import Article

__all__ = ["COLUMNS", "TITLES", "ArticlesWrong", "article_of", "read_articles", "read_workbook"]

COLUMNS = (
    "id", "question", "variants", "answer", "basis", "unit", "area", "valid_from", "valid_until", "review_on",
    "public",
)  # fmt: skip
TITLES: Mapping[str, str] = {
    "编号": "id", "问题": "question", "问法": "variants", "答复": "answer", "依据": "basis", "单位": "unit",
    "区域": "area", "生效日期": "valid_from", "失效日期": "valid_until", "复核日期": "review_on",
    "公开": "public",
}  # fmt: skip
"""Chinese heads that a table may have instead."""
LIMITS: Mapping[str, int] = {
    "id": 80, "question": 200, "answer": 8000, "basis": 500, "unit": 100, "area": 50,
    "valid_from": 10, "valid_until": 10, "review_on": 10,
}  # fmt: skip
YES = frozenset({"1", "true", "yes", "是", "公开"})
NO = frozenset({"", "0", "false", "no", "否", "不公开"})
VARIANTS_MOST = 50
ARTICLES_MOST = 20_000
FILE_MOST = 32 << 20
PROBLEMS_MOST = 50

DAYS = ("valid_from", "valid_until", "review_on")

_TITLE_OF = {key: title for title, key in TITLES.items()}
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_SPLIT = re.compile(r"[;；|\n]+")


class ArticlesWrong(OrderError):
    """A file of articles cannot be used; nothing of it was taken. `problems` names each line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems), shown="；".join(problems))
        self.problems = tuple(problems)


def read_articles(text: str, kind: str) -> tuple[Article, ...]:
    """Return the articles of a file's text; `kind` is "csv" or "yaml".

    Raises:
        ArticlesWrong: naming every line that is wrong, and why.
    """
    if len(text) > FILE_MOST:
        raise ArticlesWrong([f"文件超过 {FILE_MOST >> 20} MB"])
    problems: list[str] = []
    return _taken(_csv_rows(text, problems) if kind == "csv" else _yaml_rows(text, problems), problems)


def read_workbook(data: bytes) -> tuple[Article, ...]:
    """Return the articles on the first sheet of an Excel file (.xlsx).

    Raises:
        ArticlesWrong: naming every line that is wrong, and why.
    """
    if len(data) > FILE_MOST:
        raise ArticlesWrong([f"文件超过 {FILE_MOST >> 20} MB"])
    problems: list[str] = []
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, OSError):
        raise ArticlesWrong(["不是可以读取的 Excel 文件（.xlsx）"]) from None
    try:
        return _taken(_sheet_rows(book.worksheets[0].iter_rows(values_only=True), problems), problems)
    finally:
        book.close()


def article_of(row: Mapping[str, Any]) -> Article:
    """Return the article that a page's form holds: keys as in a file.

    Raises:
        ArticlesWrong: naming every key that is wrong, and why.
    """
    problems: list[str] = []
    article = _article("", row, problems)
    if article is None:
        raise ArticlesWrong(problems)
    return article


def _taken(rows: Iterable[tuple[str, Mapping[str, Any]]], problems: list[str]) -> tuple[Article, ...]:
    articles: dict[str, Article] = {}
    for where, row in rows:
        if len(articles) >= ARTICLES_MOST:
            problems.append(f"超过 {ARTICLES_MOST} 条")
            break
        article = _article(where, row, problems)
        if article is None:
            continue
        if article.article_id in articles:
            problems.append(f"{where}：编号“{article.article_id}”重复")
        articles[article.article_id] = article
    if not articles and not problems:
        problems.append("文件中没有知识条目")
    if problems:
        raise ArticlesWrong(problems[:PROBLEMS_MOST])
    return tuple(articles.values())


def _heads_fit(heads: Sequence[str], problems: list[str]) -> bool:
    names = set(heads)
    if {"question", "answer"} <= names <= set(COLUMNS) and len(names) == len(heads):
        return True
    problems.append(
        f"第 1 行：表头应为 {','.join(COLUMNS)}，或 {'、'.join(TITLES)}；问题（question）、答复（answer）必有"
    )
    return False


def _sheet_rows(
    rows: Iterator[Sequence[object]], problems: list[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    first = [_cell(one) for one in next(rows, ())]
    heads = [TITLES.get(name, name) for name in first if name]
    if not _heads_fit(heads, problems):
        return
    for number, row in enumerate(rows, 2):
        cells = [_cell(one) for one in row]
        if not any(cells):
            continue
        if any(cells[len(heads) :]):
            problems.append(f"第 {number} 行：列数多于表头")
            continue
        found: dict[str, Any] = dict(zip(heads, cells, strict=False))
        yield f"第 {number} 行", {**found, "variants": _SPLIT.split(found.get("variants") or "")}


def _cell(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return "" if value is None else str(value).strip()


def _csv_rows(text: str, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        reader.fieldnames = [TITLES.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
        if not _heads_fit(reader.fieldnames, problems):
            return
        for row in reader:
            where = f"第 {reader.line_num} 行"
            if None in row:
                problems.append(f"{where}：列数多于表头；含逗号的内容请加引号")
                continue
            yield where, {**row, "variants": _SPLIT.split(row.get("variants") or "")}
    except csv.Error as error:
        problems.append(f"第 {reader.line_num} 行：{error}")


def _yaml_rows(text: str, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problems.append(f"不是 YAML：{str(error).splitlines()[0]}")
        return
    listed = data.get("articles") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        problems.append("文件应有一个列表 articles")
        return
    for count, row in enumerate(listed, 1):
        if not isinstance(row, dict) or not set(row) <= set(COLUMNS):
            problems.append(f"第 {count} 条：键应为 {'、'.join(COLUMNS)}")
            continue
        yield f"第 {count} 条", row


def _article(where: str, row: Mapping[str, Any], problems: list[str]) -> Article | None:
    values = {key: str(row.get(key) or "").strip() for key in LIMITS}
    variants = row.get("variants") or []
    for key in DAYS:
        values[key] = _as_iso(values[key])
    wrong = [
        f"{where}：{_named(key)}最多 {most} 个字" for key, most in LIMITS.items() if len(values[key]) > most
    ]
    wrong += [f"{where}：缺少{_named(key)}" for key in ("question", "answer") if not values[key]]
    wrong += [
        f"{where}：{_named(key)}应写作 2026-01-31" for key in DAYS if values[key] and not _is_day(values[key])
    ]
    if not wrong and values["valid_until"] and values["valid_from"] > values["valid_until"]:
        wrong.append(f"{where}：{_named('valid_until')}早于{_named('valid_from')}")
    if not isinstance(variants, list) or len(variants) > VARIANTS_MOST:
        wrong.append(f"{where}：{_named('variants')}应为列表，最多 {VARIANTS_MOST} 项")
        variants = []
    said = tuple(dict.fromkeys(str(one).strip() for one in variants if str(one).strip()))
    if any(len(one) > LIMITS["question"] for one in said):
        wrong.append(f"{where}：{_named('variants')}每项最多 {LIMITS['question']} 个字")
    public = str(row.get("public") or "").strip().lower()
    if public not in YES | NO:
        wrong.append(f"{where}：{_named('public')}应为 是 或 否")
    if wrong:
        problems.extend(one.lstrip("：") for one in wrong)
        return None
    article_id = values.pop("id") or "q" + hashlib.sha256(values["question"].encode()).hexdigest()[:16]
    return msgspec.convert(
        {**values, "article_id": article_id, "variants": said, "public": public in YES}, Article
    )


def _named(key: str) -> str:
    """A key as both kinds of heads name it."""
    return f"“{_TITLE_OF[key]}”（{key}）"


def _as_iso(text: str) -> str:
    """Return a day as ISO writes it, also one that a spreadsheet wrote into CSV (2026/1/31)."""
    found = _DAY.fullmatch(text)
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else text


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
