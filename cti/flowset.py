"""The files that flows are made of, read and checked as one: flows, called numbers, calendar."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from acd.policy import Policy
from cti.settings import Settings
from ivr_flows.check import Problem, check_all
from ivr_flows.errors import FlowError, FlowFileError
from ivr_flows.loader import SHIPPED_CALENDAR, SHIPPED_FLOWS, SHIPPED_NUMBERS, Flows, load_flow, load_flows
from ivr_flows.schema import Callback, ToPerson


class FlowsRefused(FlowError):
    """A set of flows that must not go live; the message holds every problem, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFiles:
    """Where one set of flows is."""

    folder: Path = SHIPPED_FLOWS  # every *.yaml in it is a flow
    numbers: Path = SHIPPED_NUMBERS  # called number -> flow
    calendar: Path = SHIPPED_CALENDAR  # hours, holidays, make-up days
    requests: frozenset[str] | None = None  # web requests that the settings allow; None: not looked at

    @classmethod
    def of(cls, settings: Settings) -> FlowFiles:
        """The files that the settings name, or the shipped ones."""
        calls = settings.calls
        return cls(
            folder=Path(calls.flows) if calls.flows else SHIPPED_FLOWS,
            numbers=Path(calls.numbers) if calls.numbers else SHIPPED_NUMBERS,
            calendar=Path(calls.calendar) if calls.calendar else SHIPPED_CALENDAR,
            requests=frozenset(request.name for request in settings.web_requests),
        )

    def paths(self) -> tuple[Path, ...]:
        """Every file of the set."""
        return (*sorted(self.folder.glob("*.yaml")), self.numbers, self.calendar)

    def kept_in(self, folder: Path) -> FlowFiles:
        """Where `copy_to` puts the same set."""
        return replace(
            self,
            folder=folder / "flows",
            numbers=folder / "numbers.yaml",
            calendar=folder / "calendar.yaml",
        )

    def copy_to(self, folder: Path) -> None:
        """Copy the set, whole or not at all, in place of the one that was there.

        Raises:
            FlowFileError: it was edited meanwhile and cannot be used.
            OSError: the disk refuses.
        """
        fresh, old = (folder.with_name(f".{folder.name}.{word}") for word in ("fresh", "old"))
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        copy = self.kept_in(fresh)
        copy.folder.mkdir(parents=True)
        for path in self.folder.glob("*.yaml"):
            shutil.copyfile(path, copy.folder / path.name)
        shutil.copyfile(self.numbers, copy.numbers)
        shutil.copyfile(self.calendar, copy.calendar)
        copy.load()
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    def load(self) -> Flows:
        """Read the set.

        Raises:
            FlowFileError: naming the first thing that is wrong.
        """
        return load_flows(self.folder, self.numbers, self.calendar)

    def problems(self, policy: Policy, prompts: Collection[str], today: datetime.date) -> list[Problem]:
        """Everything that is wrong with the set, or that somebody should look at.

        `policy` is the routing policy whose queues and skills the flows name, `prompts` are the manifest's.
        """
        if broken := self._broken():
            return broken
        try:
            flows = self.load()
        except FlowFileError as error:
            return [problem_of(error)]
        return self._found_in(flows, policy, prompts, today)

    def load_checked(self, policy: Policy, prompts: Collection[str], today: datetime.date) -> Flows:
        """Read the set and look at it as a whole; what only deserves a look does not matter.

        Raises:
            FlowsRefused: with everything that is wrong.
        """
        if broken := self._broken():
            raise FlowsRefused(broken)
        try:
            flows = self.load()
        except FlowFileError as error:
            raise FlowsRefused([problem_of(error)]) from error
        if wrong := [one for one in self._found_in(flows, policy, prompts, today) if one.fatal]:
            raise FlowsRefused(wrong)
        return flows

    def _found_in(
        self, flows: Flows, policy: Policy, prompts: Collection[str], today: datetime.date
    ) -> list[Problem]:
        return check_all(
            flows,
            {queue.name for queue in policy.queues},
            prompts,
            skills={skill.name for skill in policy.skills},
            requests=self.requests,
            today=today,
        )

    def _broken(self) -> list[Problem]:
        """What is wrong with single files, so that one of them does not hide the others."""
        found = []
        for path in sorted(self.folder.glob("*.yaml")):
            try:
                load_flow(path)
            except FlowFileError as error:
                found.append(problem_of(error))
        return found


def queues_named(flows: Flows) -> frozenset[str]:
    """Every queue that a step of these flows, or a called number, sends callers to."""
    named = {entry.queue for entry in flows.entries.values() if entry.queue}
    for flow in flows.by_name.values():
        for step in flow.steps.values():
            if isinstance(step, ToPerson | Callback):
                named.add(step.queue)
            if isinstance(step, ToPerson):
                named.update(step.also)
    return frozenset(named)


def problem_of(error: FlowFileError) -> Problem:
    """The same as a problem among others."""
    return Problem(
        file=error.file, line=error.line, key=error.key, value=str(error.value), remedy=error.remedy
    )
