"""Steps in Chinese words, for people who look at a flow: what a step does and when it takes which exit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ivr_flows.schema import (
    Branch,
    Callback,
    CallerLookup,
    CollectDigits,
    Hours,
    LanguageChoice,
    Message,
    Robot,
    Say,
    SetValues,
    Step,
    SubFlow,
    Survey,
    TakeNote,
    ToPerson,
    Transfer,
    Web,
)
from ivr_flows.schema_types import Case, Comparison

KIND_NAMES: Mapping[str, str] = {
    "announce": "播报", "menu": "按键菜单", "collect": "收号", "say": "报读", "hours": "时间判断",
    "language": "选择语言", "lookup": "查询来电人", "branch": "条件分支", "set": "设定",
    "route": "排队转人工", "callback": "预约回电", "message": "留言", "transfer": "外转",
    "survey": "满意度评价", "web": "查询外部系统", "note": "记录", "flow": "子流程", "robot": "机器人问答",
}  # fmt: skip
"""kind of step -> Chinese name"""

END_NAMES: Mapping[str, str] = {"hang_up": "挂机", "give_up": "由拨号方案转人工", "return": "返回上级流程"}
"""target that is no step -> Chinese name"""

_EXIT_NAMES: Mapping[str, str] = {
    "next": "之后", "error": "出错", "no_key": "未按键", "wrong_key": "按错", "none": "没有回答",
    "wrong": "号码不对", "open": "服务时间", "closed": "非服务时间", "holiday": "节假日", "known": "认识",
    "unknown": "不认识", "otherwise": "其他", "max_wait": "等候超时", "busy": "占线", "no_answer": "无人接",
    "failed": "失败", "person": "要人工", "anything": "任何回答", "unclear": "没听懂",
}  # fmt: skip

_MEANINGS: Mapping[str, str] = {
    "yes": "是", "no": "不是", "solved": "解决了", "unsolved": "没解决", "satisfied": "满意程度",
    "number": "数字", "machine": "答录机",
}  # fmt: skip

_WAYS: Mapping[str, str] = {"number": "数字", "digits": "逐位", "date": "日期", "time": "时间"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What things are called that steps only name by key."""

    prompts: Mapping[str, str] = field(default_factory=dict)  # prompt -> its text
    routing: Mapping[str, str] = field(default_factory=dict)  # queue or skill -> title
    flows: Mapping[str, str] = field(default_factory=dict)  # flow -> title
    calendars: Mapping[str, str] = field(default_factory=dict)  # calendar -> title

    def routed(self, name: str) -> str:
        """Title of a queue or skill, else its name."""
        return self.routing.get(name, name)


def kind_of(step: Step) -> str:
    """The step's `kind` as flows write it."""
    return str(step.__struct_config__.tag)


def details(step: Step, names: Names) -> Iterator[str]:
    """What the step is about, in lines, beside what it says."""
    match step:
        case CollectDigits():
            lengths = "/".join(map(str, step.lengths)) or (
                f"{step.least}" if step.least == step.most else f"{step.least}–{step.most}"
            )
            yield f"{lengths} 位 → {step.into}"
        case Say():
            value = "现在" if step.value == "now" else step.value
            yield f"{value}（{_WAYS.get(step.say_as.value, '对应语音')}）"
        case Hours():
            yield f"日历：{names.calendars.get(step.calendar, step.calendar)}"
        case LanguageChoice():
            yield "　".join(f"{key} {choice.language}" for key, choice in step.choices.items())
        case SetValues():
            yield from _settings(step, names)
        case ToPerson():
            yield from _route(step, names)
        case Callback():
            yield f"队列：{names.routed(step.queue)}"
        case Message():
            yield f"最长 {step.most_s:g} 秒，用途 {step.purpose}"
        case Transfer():
            yield f"号码：{step.number or step.number_from}"
        case Survey():
            scores = step.scores.values()
            yield f"按键{'或说话' if step.listen else ''}评 {min(scores)}–{max(scores)} 分"
        case Web():
            yield f"请求：{step.request}，{step.within_s:g} 秒内"
        case TakeNote():
            yield f"{step.note}：{'、'.join(step.values) or '无'}"
        case SubFlow():
            yield names.flows.get(step.flow, step.flow)
        case CallerLookup():
            yield f"{step.within_s:g} 秒内"
        case _:
            pass


def said(step: Step, names: Names) -> Iterator[str]:
    """The texts that the step says first; what it says only after a mistake is left out."""
    later = ("retry", "invalid", "enter", "saved", "accepted", "intents.")
    for path, prompt in step.prompts_said():
        if not path.startswith(later):
            yield names.prompts.get(prompt, f"（{prompt}）")


def exit_name(step: Step, path: str) -> str:
    """When the step takes the exit at this key path."""
    if key := re.fullmatch(r"keys\.(.)", path):
        return f"按 {key[1]}"
    if isinstance(step, Branch) and (case := re.fullmatch(r"cases\[(\d+)\]\.then", path)):
        return _condition(step.cases[int(case[1])])
    if isinstance(step, Robot) and (intent := re.fullmatch(r"intents\.(\w+)\.next", path)):
        return _intent(step, intent[1])
    if isinstance(step, ToPerson) and path == "next":
        return "通话后"
    return _EXIT_NAMES.get(path, path)


def mishap(path: str) -> bool:
    """Whether an exit is taken only when something went wrong."""
    return path in {"error", "wrong_key", "wrong", "failed", "unclear"}


def _intent(step: Robot, name: str) -> str:
    intent = step.intents[name]
    keys = sorted(intent.values())
    span = f"{keys[0]}–{keys[-1]}" if len(keys) > 2 else "".join(keys)
    known = _MEANINGS.get(intent.means or "", name)
    words = f"“{intent.phrases[0]}”" if intent.phrases else known
    return f"{words}{f'/{span} 键' if keys else ''}"


def _settings(step: SetValues, names: Names) -> Iterator[str]:
    if step.needs:
        yield "需要：" + "、".join(f"{names.routed(skill)}≥{level}" for skill, level in step.needs.items())
    if step.priority is not None:
        yield f"优先级 {step.priority:+d}"
    if step.urgent is not None:
        yield "紧急" if step.urgent else "不紧急"
    if step.language:
        yield f"语言：{step.language}"
    yield from (f"{name} = {text}" for name, text in step.vars.items())


def _route(step: ToPerson, names: Names) -> Iterator[str]:
    also = "".join(f" + {names.routed(queue)}" for queue in step.also)
    yield f"队列：{step.queue_from or names.routed(step.queue)}{also}"
    needs = "、".join(f"{names.routed(skill)}≥{level}" for skill, level in step.needs.items())
    marks = [f"需要 {needs}"] if needs else []
    if step.urgent:
        marks.append("紧急")
    if step.priority:
        marks.append(f"优先级 {step.priority:+d}")
    if step.listen:
        marks.append("边等边说")
    if step.max_wait_s is not None:
        marks.append(f"最多等 {step.max_wait_s:g} 秒")
    if marks:
        yield "，".join(marks)


def _condition(case: Case) -> str:
    tests = [test for _, test in case.comparisons()]
    return (" 且 " if case.all_of else " 或 ").join(_comparison(test) for test in tests)


def _comparison(test: Comparison) -> str:
    subject = (test.subject or "").partition(".")[2]
    if test.equals is not None:
        return f"{subject}={test.equals}"
    if test.among is not None:
        return f"{subject}∈{'/'.join(test.among)}"
    if test.exists is not None:
        return f"{'有' if test.exists else '无'} {subject}"
    if test.holds is not None:
        return f"{'是' if test.holds else '非'} {subject}"
    if test.at_least is not None:
        return f"{subject}≥{test.at_least:g}"
    if test.at_most is not None:
        return f"{subject}≤{test.at_most:g}"
    return f"{subject} {'已过' if test.passed else '未过'}"
