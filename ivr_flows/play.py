"""Walking a flow without a telephone: the real engine, a person or a script instead of the citizen.

Each action of the flow is told in Chinese and answered with a line of text; what a line means depends on the
action, and a line that means nothing is asked for again. No socket, no terminal: the caller brings the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ivr_flows.errors import IllegalFlowEvent
from ivr_flows.messages import (
    Action,
    Collect,
    Collected,
    Done,
    Event,
    Failed,
    HangUp,
    Heard,
    HungUp,
    LeftLine,
    Listen,
    LookedUp,
    LookUp,
    Note,
    OfferCallback,
    Play,
    Played,
    Rated,
    Record,
    Recorded,
    Route,
    RouteFailed,
    TalkOver,
    TransferOut,
    TransferOver,
    WebAnswered,
    WebRequest,
)

ALL_KEYS = "0123456789*#"
MAX_ACTIONS = 1000
"""a walk that takes more is ended: a flow's own limit is lower"""
MAX_LINE = 500
"""characters of an answer that count"""

HANG_UP_WORDS = frozenset({"h", "挂机"})
FAIL_WORDS = frozenset({"e", "出错"})
TRANSFER_RESULTS = ("answered", "busy", "no_answer", "failed")

END_REASONS: Mapping[str, str] = {
    "finished": "流程结束，挂机",
    "caller_gone": "市民已挂机",
    "error": "流程无法继续，由拨号方案转人工",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an action says, and what may be answered."""

    told: tuple[str, ...]  # Chinese lines
    question: str = ""  # what to type; "" when nothing is to be answered


class Refused(ValueError):
    """An answer that means nothing here; the message says in Chinese what does."""


def tell(action: Action, texts: Mapping[str, str]) -> Asked:
    """Put an action into words; `texts` are the prompts' texts by key."""

    def said(prompts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"  🔊 {texts.get(prompt, '（没有这条语音）')}  [{prompt}]" for prompt in prompts)

    match action:
        case Play(prompts=prompts, keys=""):
            return Asked(told=said(prompts))
        case Play(prompts=prompts):
            question = "按一个键，或回车表示不按" if action.wait_s else "播报时可按一个键，或回车听完"
            return Asked(told=said(prompts), question=question)
        case Collect(prompts=prompts):
            last = f"，{action.end_key} 结束" if action.end_key else ""
            return Asked(
                told=said(prompts), question=f"输入最多 {action.most} 位数字{last}，或回车表示不输入"
            )
        case Listen(prompts=prompts):
            keys = f"，或按键 {' '.join(action.keys)}" if action.keys else ""
            return Asked(told=said(prompts), question=f"说一句话{keys}，或回车表示沉默")
        case LookUp():
            return Asked(
                told=("  🔎 查询来电人",), question="查到的情况，如 known=yes language=dialect，或回车"
            )
        case Record(prompts=prompts):
            return Asked(told=(*said(prompts), "  ⏺ 录音"), question="留言的秒数，或回车表示没有说话")
        case Route():
            return Asked(told=tuple(_route_lines(action, said)), question=_route_question(action))
        case OfferCallback():
            return Asked(told=(f"  📞 登记回电：{action.number or '来电号码'}",))
        case TransferOut():
            question = f"转接结果 {' '.join(TRANSFER_RESULTS)}，回车表示 answered"
            return Asked(
                told=(*said(action.greeting), f"  ↗ 转接外部号码 {action.number}"), question=question
            )
        case WebRequest():
            question = "对方的回答，如 state=open，或 e 表示没有及时回答"
            return Asked(told=(f"  🌐 请求 {action.name} {_values(action.values)}",), question=question)
        case Note():
            return Asked(told=(f"  📝 记录 {action.kind} {_values(action.values)}",))
        case Rated():
            return Asked(told=(f"  ⭐ 评价 {action.score} 分",))
        case HangUp():
            return Asked(told=(f"■ {END_REASONS.get(action.reason, action.reason)}",))


def understand(action: Action, line: str) -> Event:
    """Make the event of an answer.

    Raises `Refused` when the line means nothing for this action.
    """
    line = line.strip()[:MAX_LINE]
    if line in HANG_UP_WORDS:
        return HungUp()
    if line in FAIL_WORDS:
        return Failed(reason="told so by hand")
    match action:
        case Play(keys=""):
            return Played()
        case Play():
            return Played(key=_key(line))
        case Collect():
            return _digits(action, line)
        case Listen() if len(line) == 1 and line in action.keys:
            return Heard(key=line)
        case Listen():
            return Heard(text=line, confidence=1.0 if line else 0.0)
        case LookUp():
            return LookedUp(facts=_facts(line))
        case Record():
            return Recorded(seconds=_seconds(line))
        case Route():
            return _route_answer(action, line)
        case TransferOut():
            if line and line not in TRANSFER_RESULTS:
                raise Refused(f"请输入 {' '.join(TRANSFER_RESULTS)} 之一")
            return TransferOver(result=line or "answered")
        case WebRequest():
            return WebAnswered(facts=_facts(line))
        case _:
            return Done()


def walk(
    first: Action,
    handle: Callable[[Event], Action],
    *,
    texts: Mapping[str, str],
    ask: Callable[[str], str | None],
    say: Callable[[str], None],
    where: Callable[[], str],
) -> str:
    """Walk from the first action to the end; return the reason of the hang-up.

    `ask` shows a question and returns a line, or None when there are no more: the citizen then hangs up.
    `where` names the present step, told whenever it changes.
    """
    action, step = first, ""
    for _ in range(MAX_ACTIONS):
        if isinstance(action, HangUp):
            say(tell(action, texts).told[0])
            return action.reason
        if where() != step:
            step = where()
            say(f"▶ {step}")
        asked = tell(action, texts)
        for line in asked.told:
            say(line)
        action = _next(action, asked.question, handle, ask, say)
    say("■ 步骤过多，停止")
    return "error"


def _next(
    action: Action,
    question: str,
    handle: Callable[[Event], Action],
    ask: Callable[[str], str | None],
    say: Callable[[str], None],
) -> Action:
    if not question:
        return handle(understand(action, ""))
    while True:
        line = ask(f"  ? {question}；h 挂机，e 出错")
        if line is None:
            say("  （没有更多回答，视为挂机）")
            return handle(HungUp())
        try:
            return handle(understand(action, line))
        except (Refused, IllegalFlowEvent) as error:
            say(f"  ! {error}")


def _route_lines(route: Route, said: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Iterator[str]:
    needs = "、".join(f"{skill}≥{level}" for skill, level in route.needs.items())
    also = f"，同时排 {'、'.join(route.also)}" if route.also else ""
    yield f"  👤 排队 {route.queue}（{needs}）{also}{'，紧急' if route.urgent else ''}"
    yield from said(route.greeting)
    if route.listen:
        yield from said(route.listen_invite)
        yield "  🎙 等候时可以先说事情"
    yield from said(route.keys_hint)


def _route_question(route: Route) -> str:
    keys = f"，按键 {' '.join(route.keys)} 离队" if route.keys else ""
    limit = f"，t 等满 {route.max_wait_s:g} 秒" if route.max_wait_s is not None else ""
    return f"回车表示与坐席通话完毕、坐席先挂机{keys}{limit}，r 没有坐席可排"


def _route_answer(route: Route, line: str) -> Event:
    if not line:
        return TalkOver()
    if line in route.keys:
        return LeftLine(key=line)
    if line == "t" and route.max_wait_s is not None:
        return LeftLine()
    if line == "r":
        return RouteFailed(reason="told so by hand")
    raise Refused(f"请输入：{_route_question(route)}")


def _key(line: str) -> str | None:
    if not line:
        return None
    if len(line) != 1 or line not in ALL_KEYS:
        raise Refused(f"{line!r} 不是一个按键，请按 {' '.join(ALL_KEYS)} 之一")
    return line


def _digits(action: Collect, line: str) -> Collected:
    ended = bool(action.end_key) and line.endswith(action.end_key)
    digits = line.removesuffix(action.end_key) if ended else line
    if any(digit not in ALL_KEYS for digit in digits) or len(digits) > action.most:
        raise Refused(f"最多 {action.most} 位，只能是 {' '.join(ALL_KEYS)}")
    return Collected(digits=digits, ended=ended)


def _seconds(line: str) -> float:
    try:
        seconds = float(line or 0)
    except ValueError:
        raise Refused(f"{line!r} 不是秒数") from None
    if not 0 <= seconds <= 3600:
        raise Refused("秒数应在 0 到 3600 之间")
    return seconds


def _facts(line: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for part in line.split():
        name, equals, value = part.partition("=")
        if not (name and equals):
            raise Refused(f"{part!r} 应写成 名=值")
        facts[name] = value
    return facts


def _values(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
