"""Documents of the configuration that are about accepted orders: limits, supervision, assessment …"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from ivr_flows.check import Problem
from orders import (
    answer_policy,
    assessment_policy,
    clock_file,
    dispatch_policy,
    notices,
    privacy_file,
    retention,
    supervision_file,
    workdays_file,
)
from orders.policy_file import PolicyError

__all__ = ["CASES", "CaseKind", "Parse", "case_files", "case_problems", "problem_of_policy"]


class Parse(Protocol):
    """Reads a document whole, or raises PolicyError."""

    def __call__(self, raw: bytes, *, name: str) -> object:
        """Return what it says; `name` is how errors call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKind:
    """One kind of document; there is one document of each."""

    kind: str  # as editions call it
    title: str  # in Chinese
    setting: str  # key of the setting that names a server's own file
    shipped: Path  # the file that comes with the program
    parse: Parse  # reads it

    @property
    def file(self) -> str:
        """Its name in the folder of a set."""
        return f"{self.kind}.yaml"


def _table(*kinds: CaseKind) -> Mapping[str, CaseKind]:
    return MappingProxyType({one.kind: one for one in kinds})


CASES: Mapping[str, CaseKind] = _table(
    CaseKind(
        kind="clocks",
        title="办理时限",
        setting="orders.clocks",
        shipped=clock_file.SHIPPED,
        parse=clock_file.parse_clock_rules,
    ),
    CaseKind(
        kind="workdays",
        title="工作日历",
        setting="orders.workdays",
        shipped=workdays_file.SHIPPED,
        parse=workdays_file.parse_workdays,
    ),
    CaseKind(
        kind="supervision",
        title="督办规则",
        setting="orders.supervision",
        shipped=supervision_file.SHIPPED,
        parse=supervision_file.parse_supervision_rules,
    ),
    CaseKind(
        kind="answers",
        title="审核与评价",
        setting="orders.answers",
        shipped=answer_policy.SHIPPED,
        parse=answer_policy.parse_answer_policy,
    ),
    CaseKind(
        kind="dispatch",
        title="自动派单",
        setting="dispatch.policy",
        shipped=dispatch_policy.SHIPPED,
        parse=dispatch_policy.parse_dispatch_policy,
    ),
    CaseKind(
        kind="assessment",
        title="考核办法",
        setting="orders.assessment",
        shipped=assessment_policy.SHIPPED,
        parse=assessment_policy.parse_assessment_policy,
    ),
    CaseKind(
        kind="notices",
        title="告知市民",
        setting="notices.policy",
        shipped=notices.SHIPPED,
        parse=notices.parse_notices,
    ),
    CaseKind(
        kind="privacy",
        title="个人信息",
        setting="privacy.policy",
        shipped=privacy_file.SHIPPED,
        parse=privacy_file.parse_privacy,
    ),
    CaseKind(
        kind="retention",
        title="保留期限",
        setting="retention.policy",
        shipped=retention.SHIPPED,
        parse=retention.parse_retention,
    ),
)
"""kind -> what is known of it"""


def case_files() -> dict[str, Path]:
    """The files that come with the program, by kind."""
    return {kind: one.shipped for kind, one in CASES.items()}


def case_problems(documents: Mapping[str, str]) -> list[Problem]:
    """What is wrong with those of the documents that are about orders."""
    found = []
    for kind, one in CASES.items():
        if kind in documents:
            try:
                one.parse(documents[kind].encode(), name=one.file)
            except PolicyError as error:
                found.append(problem_of_policy(error))
    return found


def problem_of_policy(error: PolicyError) -> Problem:
    """What is wrong with a file of policy, as checks tell it."""
    value = "" if error.value is None else str(error.value)
    return Problem(file=error.file, line=error.line, key=error.key, value=value, remedy=error.remedy)
