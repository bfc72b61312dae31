"""Reports as files: which forms there are, and how numbers and times are written in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cti.figures.definitions import FIGURES, Unit
from cti.planning_days import CHINA
from cti.reports.pages import Page
from cti.reports.specs import KIND_TITLES, Filter, ReportRefused

__all__ = ["FORMS", "facts_of", "moment", "shown", "title_of", "write_bytes"]

FORMS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
"""Form of a file -> its media type."""

UNKNOWN = "—"
FILTERS = {
    "queue": "技能队列", "called": "被叫号码", "category": "事项分类", "district": "区县", "agent": "坐席",
    "media": "媒体",
}  # fmt: skip


def write_bytes(page: Page, form: str, *, font: Path | None = None, cache: Path | None = None) -> bytes:
    """Return the file. Raises ReportRefused for another form, or without a Chinese font for PDF."""
    from cti.reports import csvfile, excel, pages  # each brings a library that only it needs
    from cti.reports.pdf import find_font
    from cti.reports.pdf import write as write_pdf

    writers: dict[str, Callable[[], bytes]] = {
        "xlsx": lambda: excel.write(page),
        "csv": lambda: csvfile.write(page),
        "json": lambda: pages.encode(page),
        "pdf": lambda: write_pdf(page, find_font(font, cache)),
    }
    if form not in writers:
        raise ReportRefused("format", f"文件格式只能是 {'、'.join(FORMS)}")
    return writers[form]()


def moment(at: float) -> str:
    """A time in China, to the minute."""
    return f"{datetime.fromtimestamp(at, CHINA):%Y-%m-%d %H:%M}"


def title_of(key: str) -> str:
    """A figure's title with its unit."""
    one = FIGURES[key]
    return f"{one.title}（秒）" if one.unit is Unit.SECONDS else one.title


def shown(key: str, value: float | None) -> str:
    """A value as people read it."""
    if value is None:
        return UNKNOWN
    match FIGURES[key].unit:
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.SHARE:
            return f"{value:.2%}"
        case Unit.SECONDS:
            return f"{value:,.1f}"
        case Unit.SCORE:
            return f"{value:.2f}"


def facts_of(page: Page) -> Sequence[tuple[str, str]]:
    """What stands at the head of every file."""
    spec = page.spec
    told = [
        ("类型", KIND_TITLES[spec.kind]),
        ("统计时段", f"{moment(spec.since)} 至 {moment(spec.until)}（不含）"),
        ("生成时间", moment(page.made_at)),
    ]
    if not page.complete:
        told.append(("说明", f"时段尚未结束，数据截至 {moment(page.until)}"))
    if spec.which.anything:
        told.append(("筛选", _filter(spec.which)))
    if page.source == "journal":
        told.append(("数据来源", "由日志重新计算"))
    if page.behind_s > 1:
        told.append(("数据滞后", f"生成时日志尚有 {page.behind_s:.0f} 秒未入库"))
    if page.lowest is not None and page.lowest_at is not None:
        told.append(
            ("任意 24 小时最低接通率", f"{page.lowest:.2%}（截至 {moment(page.lowest_at)}；按半小时滚动）")
        )
    return told


def _filter(which: Filter) -> str:
    return "；".join(f"{title}＝{value}" for key, title in FILTERS.items() if (value := getattr(which, key)))
