"""Writes the tables of docs/assessment.md out of the definitions: `python -m orders.assessment_page`."""

from __future__ import annotations

from pathlib import Path

from orders.assessment import definitions
from orders.assessment_definitions import GROUP_TITLES, Unit
from orders.assessment_policy import load_assessment_policy
from orders.assessment_words import KINDS, VOIDS

__all__ = ["MARK", "TARGET", "text"]

TARGET = Path(__file__).resolve().parents[1] / "docs" / "assessment.md"
MARK = "<!-- from here on made by python -m orders.assessment_page -->\n"
UNITS = {Unit.COUNT: "个", Unit.SHARE: "%", Unit.WORK_HOURS: "工作小时", Unit.HOURS: "小时"}
BETTER = {1: "高", -1: "低", 0: ""}


def text() -> str:
    """The tables of the page: what stands after the mark. Raises PolicyError."""
    policy = load_assessment_policy()
    lines: list[str] = []
    group = None
    for one in definitions(policy):
        if one.group is not group:
            group = one.group
            lines += ["", f"## {GROUP_TITLES[group]}", ""]
            lines += ["| 指标 | 标识 | 单位 | 计算口径 | 计入的事项 | 何者为优 | 说明 |"]
            lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        kinds = "、".join(KINDS[kind] for kind in one.kinds)
        cells = (one.title, f"`{one.key}`", UNITS[one.unit], one.formula, kinds, BETTER[one.better], one.note)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## 随附规则（orders/data/assessment.yaml）", "", "| 指标 | 权重 |", "| --- | --- |"]
    titles = {one.key: one.title for one in definitions(policy)}
    lines += [f"| {titles[key]} | {weight:g} |" for key, weight in policy.weights.items()]
    cards = policy.deductions
    lines += [
        "",
        f"督办扣分：黄牌 {cards.yellow:g}、红牌 {cards.red:g}、提级办理 {cards.raised:g}、"
        f"领导包案 {cards.leader:g}，每月最多 {cards.most:g} 分。承办量不足 {policy.minimum} 的单位不排名。"
        f"不计入的：{'、'.join(VOIDS[void] for void in VOIDS if void in policy.excluded)}。"
        f"次月第 {policy.close_workday} 个工作日结束时自动封账。",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    written = TARGET.read_text(encoding="utf-8").partition(MARK)[0]
    TARGET.write_text(written + MARK + text(), encoding="utf-8")
