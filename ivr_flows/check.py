"""What the loader cannot see: references to other files, and whether every caller gets somewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ivr_flows.calendar import Calendars
from ivr_flows.check_ways import Found, ways
from ivr_flows.loader import Flows
from ivr_flows.schema import Callback, Flow, LanguageChoice, SetValues, ToPerson, Web
from ivr_flows.yamlfile import line_of

AHEAD = dt.timedelta(days=60)
"""a year that is missing from the calendar is reported so long before it begins"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a flow, a number table or a calendar that should not go live."""

    file: str  # the file
    line: int  # in that file
    key: str  # e.g. "steps.welcome.prompts[1]"
    value: str  # what stands there
    remedy: str  # what to do
    fatal: bool = True  # False: it works, but somebody should look at it

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key} = {self.value!r}: {self.remedy}"


def check(
    flow: Flow,
    known_queues: Collection[str],
    known_prompts: Collection[str],
    *,
    skills: Collection[str] | None = None,
    requests: Collection[str] | None = None,
    flows: Flows | None = None,
) -> list[Problem]:
    """Look for what does not exist, steps that nobody reaches, and ways round in circles.

    `known_queues` and `skills` are those of the routing policy, `known_prompts` those of the manifest that
    have audio, `requests` the web requests that the settings allow; None: not looked at. With `flows` a
    variable may also be set by a flow that enters this one. Problems come in the order of their lines.
    """
    found = [
        *_queues(flow, known_queues),
        *_prompts(flow, known_prompts),
        *(_skills(flow, skills) if skills is not None else ()),
        *(_requests(flow, requests) if requests is not None else ()),
        *_variables(flow, flows),
        *ways(flow),
    ]
    problems = [
        Problem(file=flow.file, line=line_of(flow.lines, key), key=key, value=value, remedy=remedy)
        for key, value, remedy in found
    ]
    return sorted(problems, key=lambda problem: (problem.line, problem.key))


def check_all(
    flows: Flows,
    known_queues: Collection[str],
    known_prompts: Collection[str],
    *,
    skills: Collection[str] | None = None,
    requests: Collection[str] | None = None,
    today: dt.date | None = None,
) -> list[Problem]:
    """Every flow, the number table, and, when `today` is said, the years of the calendar."""
    problems: list[Problem] = []
    for flow in flows.by_name.values():
        problems += check(flow, known_queues, known_prompts, skills=skills, requests=requests, flows=flows)
    problems += _numbers(flows, known_queues, known_prompts, skills)
    if today is not None:
        problems += check_calendar(flows.calendars, today)
    return problems


def check_calendar(calendars: Calendars, today: dt.date) -> list[Problem]:
    """Years that begin soon, or run, and are not in the table, or only with what the law fixes."""
    problems = []
    for year in sorted({today.year, (today + AHEAD).year}):
        table = calendars.years.get(year)
        if table is not None and not table.provisional:
            continue
        key = f"years.{year}" if table else "years"
        remedy = (
            f"calendar without year {year}: enter its holidays and make-up days; the weekly rule alone counts"
            if table is None
            else f"year {year} has no make-up days yet: enter the published arrangement, remove `provisional`"
        )
        line = line_of(calendars.lines, key)
        problems.append(
            Problem(
                file=calendars.file, line=line, key=key, value=str(year), remedy=remedy, fatal=table is None
            )
        )
    return problems


def _queues(flow: Flow, known: Collection[str]) -> Iterator[Found]:
    remedy = f"name a queue of the routing policy: {', '.join(sorted(known))}"
    for name, step in flow.steps.items():
        if isinstance(step, ToPerson | Callback) and step.queue not in known:
            yield f"steps.{name}.queue", step.queue, remedy
        if isinstance(step, ToPerson):
            for index, queue in enumerate(step.also):
                if queue not in known:
                    yield f"steps.{name}.also[{index}]", queue, remedy


def _prompts(flow: Flow, known: Collection[str]) -> Iterator[Found]:
    for name, step in flow.steps.items():
        for part, prompt in step.prompts_said():
            if prompt not in known:
                remedy = "add it to the prompt manifest and build its audio, or correct its spelling"
                yield f"steps.{name}.{part}", prompt, remedy


def _skills(flow: Flow, known: Collection[str]) -> Iterator[Found]:
    remedy = f"name a skill of the routing policy: {', '.join(sorted(known))}"
    for name, step in flow.steps.items():
        needed: list[tuple[str, Mapping[str, int]]] = []
        if isinstance(step, ToPerson | Callback | SetValues):
            needed.append((f"steps.{name}.needs", step.needs))
        elif isinstance(step, LanguageChoice):
            needed += [(f"steps.{name}.choices.{key}.needs", one.needs) for key, one in step.choices.items()]
        for path, needs in needed:
            for skill in needs:
                if skill not in known:
                    yield f"{path}.{skill}", skill, remedy


def _requests(flow: Flow, known: Collection[str]) -> Iterator[Found]:
    for name, step in flow.steps.items():
        if isinstance(step, Web) and step.request not in known:
            remedy = f"name a web request of the settings: {', '.join(sorted(known)) or 'there is none'}"
            yield f"steps.{name}.request", step.request, remedy


def _variables(flow: Flow, flows: Flows | None) -> Iterator[Found]:
    """Variables that are read and that nobody sets; facts come from elsewhere and are not looked at."""
    around = [flow, *flow.linked.values()]
    for other in flows.by_name.values() if flows else ():
        if flow.name in other.linked:
            around += [other, *other.linked.values()]
    set_ = {name for one in around for step in one.steps.values() for name in step.sets()}
    for name, step in flow.steps.items():
        for path, reference in step.reads():
            space, _, variable = reference.partition(".")
            if space == "var" and variable not in set_:
                remedy = "no step sets this variable: set it, or correct its spelling"
                yield f"steps.{name}.{path}", reference, remedy


def _numbers(
    flows: Flows, queues: Collection[str], prompts: Collection[str], skills: Collection[str] | None
) -> Iterator[Problem]:
    for called, entry in flows.entries.items():
        at = f"numbers.{called}"
        wrong: list[Found] = []
        if entry.queue and entry.queue not in queues:
            remedy = f"name a queue of the routing policy: {', '.join(sorted(queues))}"
            wrong.append((f"{at}.queue", entry.queue, remedy))
        for index, prompt in enumerate(entry.greeting):
            if prompt not in prompts:
                remedy = "add it to the prompt manifest and build its audio, or correct its spelling"
                wrong.append((f"{at}.greeting[{index}]", prompt, remedy))
        for skill in entry.needs:
            if skills is not None and skill not in skills:
                remedy = f"name a skill of the routing policy: {', '.join(sorted(skills))}"
                wrong.append((f"{at}.needs.{skill}", skill, remedy))
        for key, value, remedy in wrong:
            line = line_of(flows.numbers_lines, key)
            yield Problem(file=flows.numbers_file, line=line, key=key, value=value, remedy=remedy)
