"""Articles from a CSV or YAML file, checked whole: a file with one wrong line is not taken. Pure.

CSV: `id,question,variants,answer,basis,unit,area,valid_from,valid_until`; variants are divided by ; or |.
YAML: a list `articles` of the same keys, variants as a list. Without an id, the question is the id.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import yaml

from orders.errors import OrderError
from orders.knowledge import Article

__all__ = ["COLUMNS", "ArticlesWrong", "read_articles"]

COLUMNS = ("id", "question", "variants", "answer", "basis", "unit", "area", "valid_from", "valid_until")
LIMITS: Mapping[str, int] = {
    "id": 80, "question": 200, "answer": 8000, "basis": 500, "unit": 100, "area": 50,
    "valid_from": 10, "valid_until": 10,
}  # fmt: skip
VARIANTS_MOST = 50
ARTICLES_MOST = 20_000
FILE_MOST = 32 << 20
PROBLEMS_MOST = 50

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
    articles: dict[str, Article] = {}
    rows = _csv_rows(text, problems) if kind == "csv" else _yaml_rows(text, problems)
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


def _csv_rows(text: str, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = set(reader.fieldnames or ())
        if not {"question", "answer"} <= names or not names <= set(COLUMNS):
            problems.append(f"第 1 行：表头应为 {','.join(COLUMNS)}，其中 question、answer 必有")
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
    wrong = [f"{where}：{key} 最多 {most} 个字" for key, most in LIMITS.items() if len(values[key]) > most]
    wrong += [f"{where}：缺少 {key}" for key in ("question", "answer") if not values[key]]
    for key in ("valid_from", "valid_until"):
        if values[key] and not _is_day(values[key]):
            wrong.append(f"{where}：{key} 应写作 2026-01-31")
    if not wrong and values["valid_until"] and values["valid_from"] > values["valid_until"]:
        wrong.append(f"{where}：valid_until 早于 valid_from")
    if not isinstance(variants, list) or len(variants) > VARIANTS_MOST:
        wrong.append(f"{where}：variants 应为列表，最多 {VARIANTS_MOST} 项")
        variants = []
    said = tuple(dict.fromkeys(str(one).strip() for one in variants if str(one).strip()))
    if any(len(one) > LIMITS["question"] for one in said):
        wrong.append(f"{where}：variants 每项最多 {LIMITS['question']} 个字")
    if wrong:
        problems.extend(wrong)
        return None
    article_id = values.pop("id") or "q" + hashlib.sha256(values["question"].encode()).hexdigest()[:16]
    return msgspec.convert({**values, "article_id": article_id, "variants": said}, Article)


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
