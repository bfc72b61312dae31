"""What checkers say to programmers, in the words of those who administer. Pure.

The remedies of flows, policies and directories are English sentences of a fixed form. Those that somebody
meets when editing in the page are told in Chinese here; one that is not known stays as it is.
"""

from __future__ import annotations

import re

__all__ = ["told"]

_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"name a step of this flow, hang_up or give_up, or return",
        "应为本流程的步骤名，或 hang_up、give_up、return",
    ),
    (r"name a step of this flow whose kind is route", "应为本流程中 kind 为 route 的步骤名"),
    (r"name a step of this flow", "应为本流程的步骤名"),
    (r"name one of the flows(?: that a call may begin with)?: (.*)", r"应为下列流程之一：\1"),
    (r"name a queue of the routing policy: (.*)", r"策略中没有这个队列，现有：\1"),
    (r"name a skill of the routing policy: (.*)", r"策略中没有这项技能，现有：\1"),
    (r"name a web request of the settings: (.*)", r"设置中没有这个外部请求，现有：\1"),
    (r"name a calendar of [^:]*: (.*)", r"日历中没有这个名称，现有：\1"),
    (r"name a time zone such as (.*)", r"应为时区，如 \1"),
    (
        r"add it to the prompt manifest and build its audio, or correct its spelling",
        "没有这条语音：请先在“语音”页添加，或改正名称",
    ),
    (
        r"no step sets this variable: set it, or correct its spelling",
        "没有步骤设置这个变量：请先设置，或改正名称",
    ),
    (r"there is no such key: remove or correct it", "没有这个键：请删除或改正"),
    (r"remove it, or correct its spelling: there is no such key", "没有这个键：请删除或改正"),
    (r"add the key `(.*)`", r"缺少 \1，请补上"),
    (r"write one of: (.*)", r"应为下列之一：\1"),
    (r"choose one of: (.*)", r"应为下列之一：\1"),
    (r"say each key once", "同一个键写了两次"),
    (r"correct the YAML", "YAML 格式有误（检查缩进、冒号和引号）"),
    (r"save it as UTF-8", "请以 UTF-8 保存"),
    (
        r"call the step something else, in small letters",
        "步骤名应为小写字母开头的字母、数字、下划线，且不能与结束词相同",
    ),
    (r"give each flow its own name; .*", "流程名重复"),
    (
        r"call it (\w+), as its document is called, or create another flow",
        r"流程名应为 \1（与文件一致），或另建流程",
    ),
    (r"write called numbers as 1 to 20 digits in quotes", "被叫号码应为 1 至 20 位数字，加引号"),
    (r"name the flow of a plain number", "请写明这个号码的流程"),
    (r"say the last day of the announcement.*", "请写明提示的最后日期，如 2026-12-31"),
    (r"say the sub-centre's telephone number", "请写明分中心的电话号码"),
    (r"say the skills that the queue asks for.*", "请写明队列所需技能，如 {general: 1}"),
    (r"write hours as 09:00-17:30, the last moment as 24:00", "时间应写成 09:00-17:30，午夜写 24:00"),
    (r"end after the beginning; .*", "结束应晚于开始；跨夜分两段写：22:00-24:00 和 00:00-06:00"),
    (r"a day is a holiday or worked, not both: remove one", "同一天不能既是假日又是调休上班日"),
    (r'write dates of (\d+) as "(.*)", in quotes', r"\1 年的日期应写成 \2，加引号"),
    (r"calendar without year (\d+): .*", r"日历缺少 \1 年：请录入节假日和调休，否则只按每周规则"),
    (r"year (\d+) has no make-up days yet: .*", r"\1 年尚未录入调休安排：公布后请补录，并取消“暂定”"),
    (
        r"flows in force send callers to this queue: .*",
        "现行流程仍把来电送往此队列：请保留，或先发布不用它的流程",
    ),
    (r"is there twice: give another name", "名称重复，请改名"),
    (r"write an http:// or https:// address", "应为 http:// 或 https:// 开头的地址"),
    (r"only a service .*", "仅 kind 为 service 的条目可以这样写"),
    (r"is no regular expression \((.*)\): correct it", r"不是有效的正则表达式（\1）"),
    (r"keep it under (\d+) (bytes|values)", r"太大：不能超过 \1"),
    (r"Object missing required field `(.*)`", r"缺少 \1，请补上"),
    (r"Expected `(\w+)`, got `(\w+)`", r"类型不对：应为 \1，现为 \2"),
    (r"Expected `(\w+)` (>=|<=|>|<) ([-\d.]+)", r"数值应 \2 \3"),
    (r"Expected `(\w+)` of length (>=|<=) (\d+)", r"长度应 \2 \3"),
    (r"Expected `str` matching regex .*", "写法不合规"),
)
_KNOWN = tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in _WORDS)


def told(remedy: str) -> str:
    """The remedy in Chinese, where there are words for it."""
    for pattern, words in _KNOWN:
        if found := pattern.fullmatch(remedy):
            return found.expand(words)
    return remedy
