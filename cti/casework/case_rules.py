"""All rules about accepted orders, read from their files as one set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cti.edition_cases import CASES
from orders.answer_policy import parse_answer_policy
from orders.assessment_policy import AssessmentPolicy, parse_assessment_policy
from orders.clock_file import parse_clock_rules
from orders.clocks import Timekeeper
from orders.course_policy import Rules
from orders.dispatch_policy import DispatchPolicy, parse_dispatch_policy
from orders.notices import NoticePolicy, parse_notices
from orders.privacy import PrivacyPolicy
from orders.privacy_file import parse_privacy
from orders.retention import RetentionPolicy, parse_retention
from orders.supervision_file import parse_supervision_rules
from orders.workdays_file import parse_workdays

__all__ = ["CaseRules", "parse_rules", "read_rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRules:
    """One set."""

    course: Rules  # clocks, supervision, answers
    dispatch: DispatchPolicy  # what is dispatched without a person
    assessment: AssessmentPolicy  # how units are assessed
    notices: NoticePolicy  # what citizens are told
    privacy: PrivacyPolicy  # who sees personal data
    retention: RetentionPolicy  # what goes, and when
    texts: Mapping[str, bytes]  # kind -> the file it was read from
    marks: Mapping[str, str]  # kind -> hash of that


def read_rules(files: Mapping[str, Path]) -> CaseRules:
    """Read a set; `files` has one for every kind of `cti.edition_cases`.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
        OSError: a file cannot be read.
    """
    texts = {kind: files[kind].read_bytes() for kind in CASES}
    return parse_rules(texts, {kind: str(files[kind]) for kind in CASES})


def parse_rules(texts: Mapping[str, bytes], names: Mapping[str, str] | None = None) -> CaseRules:
    """Read a set from its texts, one for every kind; `names` are those of the files. Raises PolicyError."""
    names = names or {kind: kind for kind in CASES}
    return CaseRules(
        course=Rules(
            keeper=Timekeeper(
                parse_clock_rules(texts["clocks"], name=names["clocks"]),
                parse_workdays(texts["workdays"], name=names["workdays"]),
            ),
            supervision=parse_supervision_rules(texts["supervision"], name=names["supervision"]),
            answers=parse_answer_policy(texts["answers"], name=names["answers"]),
        ),
        dispatch=parse_dispatch_policy(texts["dispatch"], name=names["dispatch"]),
        assessment=parse_assessment_policy(texts["assessment"], name=names["assessment"]),
        notices=parse_notices(texts["notices"], name=names["notices"]),
        privacy=parse_privacy(texts["privacy"], name=names["privacy"]),
        retention=parse_retention(texts["retention"], name=names["retention"]),
        texts=dict(texts),
        marks={kind: hashlib.sha256(raw).hexdigest()[:12] for kind, raw in texts.items()},
    )
