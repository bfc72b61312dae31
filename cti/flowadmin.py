"""`hotline flows`: check, list, draw and play the flows that the settings name."""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from acd.errors import PolicyError
from acd.policy import SHIPPED as SHIPPED_POLICY
from acd.policy import Policy, load_policy
from cti.errors import HotlineError
from cti.flowset import FlowFiles
from cti.settings import Settings
from ivr_flows.draw import draw
from ivr_flows.engine import FlowRun
from ivr_flows.errors import FlowError
from ivr_flows.loader import Flows
from ivr_flows.play import walk
from ivr_flows.schema import Flow
from ivr_flows.speech import Manifest, PromptError, load_manifest
from ivr_flows.told import Names

Say = Callable[[object], None]


class FlowsFailed(HotlineError):
    """A flow could not be shown; the message says why."""


def flows(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Run one action; return the exit status. Raises FlowsFailed."""
    try:
        policy = load_policy(Path(settings.calls.policy) if settings.calls.policy else SHIPPED_POLICY)
        manifest = load_manifest()
        files = FlowFiles.of(settings)
        match options.action:
            case "check":
                return _check(files, options.folder, policy, manifest, say)
            case "list":
                return _list(files.load(), say)
            case "draw":
                return _draw(files.load(), options, policy, manifest, say)
            case _:
                return _play(files.load(), options, manifest, say)
    except (FlowError, PolicyError, PromptError) as error:
        raise FlowsFailed(str(error)) from error


def _check(files: FlowFiles, folder: Path | None, policy: Policy, manifest: Manifest, say: Say) -> int:
    if folder is not None:
        if not folder.is_dir():
            raise FlowsFailed(f"{folder}: there is no such folder")
        files = replace(files, folder=folder)
    problems = files.problems(policy, manifest.prompts, datetime.datetime.now(datetime.UTC).date())
    for problem in problems:
        say(f"{problem}" if problem.fatal else f"提示 {problem}")
    wrong = sum(problem.fatal for problem in problems)
    say(f"流程检查完毕：{wrong} 个错误，{len(problems) - wrong} 个提示")
    return 1 if wrong else 0


def _list(read: Flows, say: Say) -> int:
    for flow in read.by_name.values():
        numbers = sorted(number for number, entry in read.entries.items() if entry.flow == flow.name)
        default = ["其他号码"] if flow.name == read.default else []
        led = ["子流程"] if flow.sub else [*numbers, *default]
        say(f"{flow.name}  {flow.title}  {flow.version}  {len(flow.steps)} 步  {'、'.join(led)}")
    return 0


def _draw(read: Flows, options: argparse.Namespace, policy: Policy, manifest: Manifest, say: Say) -> int:
    names = Names(
        prompts=_texts(manifest),
        routing={skill.name: skill.title for skill in policy.skills}
        | {queue.name: queue.title for queue in policy.queues},
        flows={flow.name: flow.title for flow in read.by_name.values()},
        calendars={one.name: one.title for one in read.calendars.by_name.values()},
    )
    chosen = [_named(read, options.flow)] if options.flow else list(read.by_name.values())
    options.out.mkdir(parents=True, exist_ok=True)
    for flow in chosen:
        file = options.out / f"{flow.name}.svg"
        file.write_text(draw(flow, names), encoding="utf-8")
        say(file)
    return 0


def _play(read: Flows, options: argparse.Namespace, manifest: Manifest, say: Say) -> int:
    flow = _named(read, options.flow) if options.flow else read.for_number(options.number)
    begun = time.time() if options.at is None else _epoch(options.at, read)
    around = read.surroundings(called=options.number, caller=options.caller, now=lambda: begun)
    run = FlowRun(flow, around=around)
    say(f"{flow.title}（{flow.name}，版本 {flow.version}）")
    reason = walk(
        run.start(),
        run.handle,
        texts=_texts(manifest),
        ask=_asker(options.keys, say),
        say=say,
        where=lambda: f"{run.state.inside}.{run.state.step}".lstrip("."),
    )
    return 1 if reason == "error" else 0


def _epoch(at: datetime.datetime, read: Flows) -> float:
    """A time without a zone is on the calendars' clock."""
    return (at if at.tzinfo else at.replace(tzinfo=read.calendars.zone)).timestamp()


def _asker(keys: str, say: Say) -> Callable[[str], str | None]:
    """Answers from `--keys`, else from a person at the terminal, else line by line from a script."""
    if keys:
        return _scripted(iter(keys.split(",")), say)
    if not sys.stdin.isatty():
        return _scripted((line.rstrip("\n") for line in sys.stdin), say)

    def ask(question: str) -> str | None:
        try:
            return input(f"{question} > ")
        except EOFError:
            return None

    return ask


def _scripted(lines: Iterator[str], say: Say) -> Callable[[str], str | None]:
    def ask(question: str) -> str | None:
        line = next(lines, None)
        if line is not None:
            say(f"{question} > {line}")
        return line

    return ask


def _named(read: Flows, name: str) -> Flow:
    flow = read.named(name)
    if flow is None:
        raise FlowsFailed(f"there is no flow {name!r}; there are {', '.join(read.by_name)}")
    return flow


def _texts(manifest: Manifest) -> dict[str, str]:
    return {key: prompt.text for key, prompt in manifest.prompts.items()}
