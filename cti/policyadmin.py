"""`hotline policy`: is a routing policy right, what does it change, whom would it ring."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from acd.errors import PolicyError
from acd.policy import SHIPPED as SHIPPED_POLICY
from acd.policy import Policy
from cti.control.policies import read_policy
from cti.errors import HotlineError
from cti.flowset import FlowFiles, queues_named
from cti.policytry import SHIPPED_CASES, load_cases, try_case
from cti.settings import Settings
from ivr_flows.errors import FlowError

Say = Callable[[object], None]

LISTS: Mapping[str, str] = {"skills": "技能", "queues": "队列"}
KEYS: Mapping[str, str] = {
    "title": "名称", "needs": "需要的技能", "ring_limit_s": "振铃时限（秒）", "wrap_up_s": "整理时限（秒）",
    "priority": "优先级", "choice": "选人规则", "relax": "放宽步骤", "reserve": "预留坐席",
    "prefer_s": "等熟悉的坐席（秒）", "hours": "服务时间", "night": "夜间队列", "default_queue": "默认队列",
    "wrap_up_extension_max_s": "整理最多延长（秒）", "place_every_s": "位次更新间隔（秒）",
    "ageing_s": "一点优先级抵等候（秒）", "kind": "类别",
}  # fmt: skip
"""keys of a policy in Chinese; others are shown as they are written"""


class PolicyFailed(HotlineError):
    """A policy cannot be used; the message says why."""


def policy(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Run one action; return the exit status. Raises PolicyFailed and CasesWrong."""
    try:
        proposed, version = read_policy(options.file)
        if options.action == "check":
            return _check(settings, proposed, version, say)
        if options.action == "diff":
            present, now = read_policy(Path(settings.calls.policy or SHIPPED_POLICY))
            changes = list(differences(present, proposed))
            for change in changes:
                say(change)
            say(f"{now} → {version}：{len(changes)} 处不同" if changes else "与现行策略相同")
            return 0
    except (PolicyError, FlowError, OSError) as error:
        raise PolicyFailed(str(error)) from error
    return _try(proposed, options.cases or SHIPPED_CASES, say, as_json=options.json)


def _check(settings: Settings, proposed: Policy, version: str, say: Say) -> int:
    queues = {queue.name for queue in proposed.queues}
    missing = queues_named(FlowFiles.of(settings).load()) - queues
    for queue in sorted(missing):
        say(f"流程把市民送往队列 {queue}，策略中没有：请补上，或先修改流程")
    say(f"策略检查完毕：版本 {version}，{len(queues)} 个队列，{len(missing)} 个问题")
    return 1 if missing else 0


def _try(proposed: Policy, cases: Path, say: Say, *, as_json: bool) -> int:
    for case in load_cases(cases):
        tried = try_case(proposed, case)
        if as_json:
            say(msgspec.json.encode({"title": case.title, "decisions": tried}).decode())
            continue
        say(f"▶ {case.title}")
        for one in tried:
            target = f" → {one.agent}" if one.agent else ""
            say(f"  {one.at:7.1f} 秒  {one.call}{target}：{one.why}")
        if not tried:
            say("  没有任何决定")
    return 0


def differences(present: Policy, proposed: Policy) -> Iterator[str]:
    """What is different between two policies, in Chinese, one line each."""
    yield from _compare("", msgspec.to_builtins(present), msgspec.to_builtins(proposed))


def _compare(where: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _compare_item(_below(where, str(key)), key, old, new)
    elif _named(old) and _named(new):
        before, after = ({one["name"]: one for one in table} for table in (old, new))
        for name in dict.fromkeys((*before, *after)):
            title = (after.get(name) or before[name]).get("title", "")
            label = f"{LISTS.get(where, where)} {title}（{name}）" if title else _below(where, name)
            yield from _compare_item(label, name, before, after)
        if [name for name in before if name in after] != [name for name in after if name in before]:
            yield f"{LISTS.get(where, where)}：次序改变"
    else:
        yield f"{where}：{_shown(old)} → {_shown(new)}"


def _compare_item(where: str, key: Any, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[str]:
    if key not in old:
        yield f"{where}：新增 {_shown(new[key])}"
    elif key not in new:
        yield f"{where}：删除"
    else:
        yield from _compare(where, old[key], new[key])


def _named(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, dict) and "name" in one for one in value)


def _below(where: str, key: str) -> str:
    name = KEYS.get(key, key)
    return f"{where}.{name}" if where and "（" not in where else f"{where} {name}".strip()


def _shown(value: Any) -> str:
    if value is None:
        return "（无）"
    if isinstance(value, dict):
        shown = "，".join(
            f"{key}: {_shown(one)}" for key, one in value.items() if key not in ("name", "title")
        )
        return shown or "（空）"
    if isinstance(value, list | tuple):
        return "、".join(_shown(one) for one in value) or "（空）"
    return f"{value:g}" if isinstance(value, float) else str(value)
