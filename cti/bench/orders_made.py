"""Made-up orders with whole lives: events by the real rules, hashes as they should be, in a city of its own.

Two of three matters are answered at once, the others go to one of 1,700 units; most are closed long ago, the
newest are where their time has brought them, and one in fifty of those with units is stuck. The same seed
makes the same orders.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from zoneinfo import ZoneInfo

from orders import chain, lifecycle
from orders import course_events as happened
from orders.course_messages import Checked, Clock, ClockKind, Outcome, Solved
from orders.messages import (
    Channel,
    DraftOpened,
    FieldEdited,
    OrderDiscarded,
    OrderEvent,
    OrderSubmitted,
)
from orders.records import Order
from orders.store_steps import happened_to

__all__ = ["CATEGORIES", "City", "Made", "made"]

CHINA = ZoneInfo("Asia/Shanghai")
DAY = 86_400.0
DISTRICTS = tuple(f"{name}区" for name in (
    "东城", "西城", "南湖", "北山", "高新", "滨江", "临港", "青云", "永安", "太平", "和平",
    "新华", "建设", "长宁", "安定", "龙泉", "凤鸣", "金水", "玉泉", "白云",
))  # fmt: skip
_FIELDS = (
    ("城乡建设", "供水 供暖 燃气 物业管理 违法建设 房屋质量 路灯 道路破损 排水 老旧小区改造"),
    ("城市管理", "占道经营 垃圾清运 油烟扰民 户外广告 共享单车 公共厕所 绿化"),
    ("生态环境", "噪声 大气污染 水污染 异味 扬尘"), ("交通运输", "公交 出租车 停车 拥堵 信号灯 道路施工"),
    ("劳动社保", "拖欠工资 社会保险 养老金 就业 工伤"),
    ("市场监管", "消费维权 预付卡 食品安全 价格 虚假宣传"),
    ("教育", "入学 校外培训 学区 教师 校园安全"), ("医疗卫生", "医保 挂号 疫苗 医疗纠纷"),
    ("公安", "户籍 身份证 养犬 治安 电动车"), ("住房保障", "公积金 公租房 房产证 交房逾期"),
    ("民政", "低保 养老服务 婚姻登记 殡葬"), ("税务", "发票 个税 社保缴费"),
    ("农业农村", "土地承包 补贴 宅基地"),
    ("文化旅游", "景区 旅行社 场馆"), ("政务服务", "营业执照 窗口服务 网上办事"),
)  # fmt: skip
CATEGORIES = tuple(f"{top}/{below}" for top, names in _FIELDS for below in names.split())
_TYPES = ("咨询", "求助", "投诉", "投诉", "举报", "建议", "表扬")
_FIRST, _SECOND, _KIND = (
    "金银华丽新阳春江山云锦瑞和泰康福祥",
    "桂竹松梅兰荷桃柳枫樱",
    ("苑", "花园", "新城", "路", "小区", "广场"),
)  # fmt: skip
_SAYINGS = (
    "多次向社区反映没有结果", "请相关部门尽快处理", "已经影响到老人和孩子休息", "希望给一个明确的答复",
    "物业说不归他们管", "从上个星期开始就这样", "晚上十一点以后最严重", "之前打过电话没有人回访",
    "周围好几栋楼都是一样的情况", "要求现场查看", "想问一下需要准备什么材料", "不知道应该找哪个部门",
    "已经提交申请一个多月", "对方拒绝退款", "车辆无法通行", "存在安全隐患",
)  # fmt: skip
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华慧鑫健建文玲凯𠮷琳雪"
_AGENTS = tuple(str(1001 + number) for number in range(300))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One order as it is kept."""

    order: Order
    events: tuple[chain.Link, ...]
    hashes: tuple[str, ...]


class City:
    """Who takes care of matters, and how often somebody calls."""

    def __init__(self, units: int = 1700) -> None:
        """A city of so many units, of which a few have most of the work."""
        self.units = tuple(
            f"{DISTRICTS[number % len(DISTRICTS)]}第{number // len(DISTRICTS) + 1}承办单位"
            for number in range(units)
        )
        self.shares = tuple(accumulate((number + 10) ** -0.7 for number in range(units)))

    def unit(self, rng: random.Random) -> str:
        """Return who gets a matter."""
        return rng.choices(self.units, cum_weights=self.shares)[0]

    def unit_tree(self, rng: random.Random, size: int) -> frozenset[str]:
        """Return units as one person may see them: one of a district and others of the same."""
        district = rng.choice(DISTRICTS)
        mine = [unit for unit in self.units if unit.startswith(district)]
        more = [unit for unit in self.units if not unit.startswith(district)]
        return frozenset(mine[:size] + rng.sample(more, max(0, size - len(mine))))


def made(
    city: City, places: Sequence[int], *, total: int, now: float, years: float, seed: int = 1
) -> Iterator[Made]:
    """Yield the orders with these numbers out of `total`, spread evenly over the `years` before `now`."""
    for number in places:
        rng = random.Random(seed * 1_000_003 + number)  # noqa: S311 - the same orders every time, no secret
        at = now - years * 365 * DAY * (1 - (number + rng.random()) / total)
        yield _order(_life(city, rng, at), rng, number, now)


def _life(city: City, rng: random.Random, at: float) -> Iterator[tuple[OrderEvent, float]]:
    district, category = rng.choice(DISTRICTS), rng.choices(CATEGORIES, weights=_WEIGHTS)[0]
    place = rng.choice(_FIRST) + rng.choice(_FIRST) + rng.choice(_SECOND) + rng.choice(_KIND)
    matter = category.partition("/")[2]
    said = "，".join(rng.sample(_SAYINGS, rng.randint(3, 7)))
    agent, order_id = rng.choice(_AGENTS), f"{rng.getrandbits(128):032x}"
    caller = f"1{rng.choice('3578')}{rng.randrange(10**9):09d}"
    if rng.random() < 0.02:  # some call again and again
        caller = f"139{rng.randrange(2000):08d}"
    call = f"{rng.getrandbits(64):016x}"
    channel = rng.choices((Channel.PHONE, Channel.WEB, Channel.APP, Channel.TEXT), (80, 6, 10, 4))[0]
    yield DraftOpened(order_id=order_id, call_id=call, caller=caller, channel=channel), at
    values = {
        "type": rng.choice(_TYPES), "category": category, "district": district,
        "place": f"{place}{rng.randint(1, 60)}栋", "contact": rng.choice(_FAMILY) + rng.choice(_GIVEN),
        "title": f"关于{place}{matter}问题的诉求",
        "summary": f"市民来电，反映{district}{place}{rng.randint(1, 60)}栋{matter}问题，{said}。",
    }  # fmt: skip
    if rng.random() < 0.03:
        values["urgency"] = rng.choice(("紧急", "特急"))
    for field, value in values.items():
        at += rng.uniform(2, 40)
        yield FieldEdited(field=field, value=value, agent=agent), at
    at += rng.uniform(10, 120)
    if rng.random() < 0.02:
        yield OrderDiscarded(agent=agent, reason="无效来电"), at
        return
    yield OrderSubmitted(agent=agent), at
    yield from _answered(agent, at) if rng.random() < 0.62 else _handled(city, rng, at)


def _answered(agent: str, at: float) -> Iterator[tuple[OrderEvent, float]]:
    yield happened.AnsweredDirectly(text="已向市民解释有关政策和办理流程", by=agent), at + 5
    yield happened.OrderClosed(by="system", reason="直办件自动办结"), at + 6


def _handled(city: City, rng: random.Random, at: float) -> Iterator[tuple[OrderEvent, float]]:
    lead, clerk, person = city.unit(rng), f"clerk{rng.randint(1, 12)}", f"u{rng.randint(1, 4000)}"
    joint = tuple({city.unit(rng)} - {lead}) if rng.random() < 0.08 else ()
    at += rng.expovariate(1 / 1800)
    clocks = tuple(
        Clock(
            kind=kind, started=at, due=at + days * DAY, near_at=at + 0.8 * days * DAY, rule="r1"
        )
        for kind, days in ((ClockKind.SIGN, 1.0), (ClockKind.RESOLVE, 5.0), (ClockKind.CLOSE, 12.0))
    )  # fmt: skip
    yield happened.OrderDispatched(lead=lead, joint=joint, source="clerk", clocks=clocks, by=clerk), at
    if rng.random() < 0.02:
        return  # stuck
    at += rng.expovariate(1 / (0.4 * DAY))
    yield happened.OrderSigned(unit=lead, by=person), at
    at += rng.expovariate(1 / (2.5 * DAY))
    yield (
        happened.FedBack(unit=lead, text="经现场核实，已完成整改并回复市民", outcome=Outcome.DONE, by=person),
        at,
    )
    at += rng.expovariate(1 / (0.5 * DAY))
    lines = (Checked(item="已联系市民", ok=True), Checked(item="答复针对诉求", ok=True))
    yield happened.FeedbackReviewed(passed=True, checklist=lines, by=clerk), at
    at += rng.expovariate(1 / (1.0 * DAY))
    good = rng.random() < 0.9
    yield (
        happened.OrderRated(
            result=5 if good else 3,
            service=5,
            solved=Solved.YES if good else Solved.PARTLY,
            bad=False,
            by="system",
        ),
        at,
    )
    yield happened.OrderClosed(by="system"), at + DAY


_WEIGHTS = tuple((place + 3) ** -0.6 for place in range(len(CATEGORIES)))


def _order(life: Iterator[tuple[OrderEvent, float]], rng: random.Random, number: int, now: float) -> Made:
    """Apply a life as far as it has come, as `orders.store` would."""
    order: Order | None = None
    links: list[chain.Link] = []
    hashes: list[str] = []
    for event, at in life:
        if at > now and links:
            break
        draft = lifecycle.apply(None if order is None else order.draft, event, at)
        given = ""
        if isinstance(event, OrderSubmitted):
            day = datetime.datetime.fromtimestamp(at, CHINA).strftime("%Y%m%d")
            given = f"{day}{number + 1:07d}"
        plain = chain.Link(
            order_id=draft.order_id,
            seq=draft.version,
            event_id=f"{rng.getrandbits(128):032x}",
            at=at,
            kind=chain.kind_of(event),
            data=chain.encode(event, number=given) if given else chain.encode(event),
            actor=chain.actor_of(event),
            prev_hash=hashes[-1] if hashes else chain.FIRST,
        )
        link = chain.salted(plain)
        links.append(link)
        hashes.append(chain.digest(link))
        order = happened_to(order, draft, event, at, given)
    if order is None:
        raise RuntimeError("a life begins with its first event")
    return Made(order=order, events=tuple(links), hashes=tuple(hashes))
