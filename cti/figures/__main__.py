"""Writes the tables of docs/figures.md out of the definitions: `python -m cti.figures`."""

from __future__ import annotations

from pathlib import Path

from cti.figures.board import BOARD
from cti.figures.causes import causes_shown
from cti.figures.definitions import GROUP_TITLES, Unit, shown
from cti.figures.facts import Rules

TARGET = Path(__file__).resolve().parents[2] / "docs" / "figures.md"
UNITS = {Unit.COUNT: "个", Unit.SHARE: "%", Unit.SECONDS: "秒", Unit.SCORE: "1～5"}
MARK = "<!-- from here on made by python -m cti.figures -->\n"


def text() -> str:
    """The tables of the page: what stands after the mark."""
    rules = Rules()
    lines: list[str] = []
    group = None
    for one in shown(rules):
        if one.group is not group:
            group = one.group
            lines += ["", f"## {GROUP_TITLES[group]}", "", "| 指标 | 标识 | 单位 | 计算口径 | 说明 | 来源 |"]
            lines.append("| --- | --- | --- | --- | --- | --- |")
        cells = (one.title, f"`{one.key}`", UNITS[one.unit], one.formula, one.note, one.source)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## 未达标来电的原因", "", "每个未达标来电只有一个原因，按下表顺序取第一个成立的。", ""]
    lines += ["| 原因 | 标识 | 判定 |", "| --- | --- | --- |"]
    lines += [f"| {why['title']} | `{why['key']}` | {why['rule']} |" for why in causes_shown(rules)]
    lines += ["", "## 大屏上的实时数字和其他计数", "", "只在大屏显示；大屏上的其余数字即上面各表的指标。", ""]
    lines += ["| 指标 | 标识 | 单位 | 计算口径 | 说明 |", "| --- | --- | --- | --- | --- |"]
    for live in BOARD.values():
        lines.append(f"| {live.title} | `{live.key}` | {UNITS[live.unit]} | {live.formula} | {live.note} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    written = TARGET.read_text(encoding="utf-8").partition(MARK)[0]
    TARGET.write_text(written + MARK + text(), encoding="utf-8")
