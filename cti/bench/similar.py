"""How fast orders of the same matter are found among generated ones, and how rightly among labelled ones.

Nothing is measured against a network or a disk; the index is pure.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cti.bench.errors import BenchError
from orders.similar import SimilarIndex, SimilarItem

__all__ = ["Labelled", "Timing", "generated", "mean_average_precision", "read_labels", "timing"]

MATTERS = (
    "停水三天没人管",
    "水泵坏了水压不足",
    "夜间施工噪音扰民",
    "垃圾堆放无人清运",
    "物业乱收停车费",
    "电梯经常困人",
    "路灯不亮",
    "路面塌陷积水",
    "烧烤店油烟扰民",
    "占道经营堵塞人行道",
    "违规搭建",
    "暖气不热",
    "房屋漏水墙面开裂",
    "消防通道被车辆占用",
    "拖欠农民工工资",
    "公交车班次太少",
    "红绿灯配时不合理",
    "下水道堵塞污水外溢",
    "广场舞噪音",
    "学区划分不明",
    "开发商延期交房",
    "麻将馆通宵营业",
    "化工厂排放异味",
    "健身房关门不退费",
)
SAYINGS = (
    "多次向社区反映没有结果",
    "请相关部门尽快处理",
    "已经影响到老人和孩子休息",
    "希望给一个明确的答复",
    "物业说不归他们管",
    "从上个星期开始就这样",
    "晚上十一点以后最严重",
    "之前打过电话没有人回访",
    "周围好几栋楼都是一样的情况",
    "要求现场查看",
)
_FIRST, _SECOND = "金银华丽新阳春江山云锦瑞和泰康福祥", "桂竹松梅兰荷桃柳枫樱"
_KIND = ("苑", "花园", "新城", "路", "小区")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What one run over generated orders took, in milliseconds of this thread's processor time."""

    orders: int  # in the index
    put_ms: float  # mean, one order
    drop_ms: float  # 95th percentile
    find_p50_ms: float
    find_p95_ms: float


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that report the same event, by id; `ignore` are neither right nor wrong."""

    groups: Sequence[Sequence[str]]
    ignore: Sequence[str] = ()


def generated(count: int, *, seed: int = 1) -> list[SimilarItem]:
    """Return made-up orders of about 120 characters in a city of some 900 places."""
    rng = random.Random(seed)  # noqa: S311 - the same orders every time, no secret
    items: list[SimilarItem] = []
    for number in range(count):
        place = rng.choice(_FIRST) + rng.choice(_SECOND) + rng.choice(_KIND)
        matter = rng.choice(MATTERS)
        said = "，".join(rng.sample(SAYINGS, rng.randint(3, 6)))
        text = f"我是{place}{rng.randint(1, 60)}栋的住户，{place}{matter}，{rng.choice(MATTERS)}，{said}。"
        items.append(
            SimilarItem(
                order_id=f"g{number}", title=f"{place}{matter}", text=text, at=number * 78.0, place=place,
                caller=str(13_000_000_000 + rng.randrange(count)),
            )
        )  # fmt: skip
    return items


def timing(count: int = 100_000, questions: int = 1000) -> Timing:
    """Fill an index with generated orders and ask it; one thread."""
    items = generated(count + questions)
    index = SimilarIndex(count)
    begun = time.thread_time()
    for item in items[:count]:
        index.put(item)
    put_s = (time.thread_time() - begun) / count
    asked, dropped = [], []
    for item in items[count:]:
        begun = time.thread_time()
        index.find(item, now=item.at)
        asked.append(time.thread_time() - begun)
    for item in items[:questions]:
        begun = time.thread_time()
        index.drop(item.order_id)
        dropped.append(time.thread_time() - begun)
    asked.sort()
    dropped.sort()
    return Timing(
        orders=count,
        put_ms=1000 * put_s,
        drop_ms=1000 * dropped[int(0.95 * questions)],
        find_p50_ms=1000 * asked[questions // 2],
        find_p95_ms=1000 * asked[int(0.95 * questions)],
    )


def read_labels(file: Path) -> Labelled:
    """Read a JSON object `{"groups": [[id, …], …], "ignore": [id, …]}`.

    Raises:
        BenchError: it is not there or not such an object.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Labelled)
    except (OSError, msgspec.DecodeError) as error:
        raise BenchError(f"{file.name}: {error}; give a JSON object with groups of ids") from error


def mean_average_precision(items: Sequence[SimilarItem], labels: Labelled) -> float:
    """Return the mean, over every labelled message, of how early the others of its group are found.

    Raises:
        BenchError: no group has two messages that are among `items`.
    """
    index = SimilarIndex(max(1, len(items)))
    by_id: Mapping[str, SimilarItem] = {item.order_id: item for item in items}
    for item in items:
        index.put(item)
    ignored = set(labels.ignore)
    scores: list[float] = []
    for group in labels.groups:
        known = {one for one in group if one in by_id}
        for one in known if len(known) > 1 else ():
            found = index.find(by_id[one], limit=100, now=by_id[one].at)
            ranked = [each.order_id for each in found if each.order_id not in ignored]
            scores.append(_average_precision(ranked, known - {one}))
    if not scores:
        raise BenchError("no group of the labels has two of these messages; give labels of the same file")
    return sum(scores) / len(scores)


def _average_precision(ranked: Sequence[str], wanted: set[str]) -> float:
    hits, total = 0, 0.0
    for place, one in enumerate(ranked, 1):
        if one in wanted:
            hits += 1
            total += hits / place
    return total / len(wanted)
