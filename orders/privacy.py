"""Who sees who it was: which personal data of an order each role is shown, and how it is masked. Pure.

Three things decide: the viewer's role, 保密要求 of the order, and whether the viewer is the agent who still
fills the draft in. The table is policy (orders/data/privacy.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orders.fields import ANONYMOUS, CONFIDENTIAL
from orders.lifecycle import value_of
from orders.messages import Draft, OrderField, OrderState
from orders.records import Order

__all__ = [
    "HIDDEN",
    "NOBODY",
    "NOTHING",
    "Datum",
    "PrivacyPolicy",
    "Rule",
    "Secrecy",
    "Unmask",
    "Viewer",
    "covered_secrecies",
    "masked_name",
    "masked_number",
    "masked_words",
    "may_unmask",
    "rule_for",
    "secrecy_named",
    "secrecy_of",
]

HIDDEN = "****"
"""What stands in place of something of which nothing is shown."""


class Datum(StrEnum):
    """One kind of personal data."""

    CALLER = "caller"  # 来电号码
    PHONE = "phone"  # 联系电话
    CONTACT = "contact"  # 联系人
    DETAIL = "detail"  # 详细地址
    WORDS = "words"  # numbers and names inside of texts
    RECORDING = "recording"  # the call: sound and words
    FILES = "files"  # 附件 that citizens and the hotline's people added: photographs, scans


class Secrecy(StrEnum):
    """How secret it is who it was, each above the one before."""

    PUBLIC = "public"  # 公开, or nothing said
    ANONYMOUS = "anonymous"  # 匿名: units do not learn it
    CONFIDENTIAL = "confidential"  # 举报保密: nobody does without a right of their own


class Unmask(StrEnum):
    """Who sees it in plain words, with a reason that is logged."""

    NEVER = "never"  # nobody of the role
    REASON = "reason"  # everybody of the role
    CONFIDENTIAL = "confidential"  # those of the role with the right to confidential orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one role is shown of orders of one secrecy."""

    masked: frozenset[Datum] = frozenset()  # shown in part: 138****0001, 王**
    hidden: frozenset[Datum] = frozenset()  # shown as ****
    unmask: Unmask = Unmask.NEVER  # who may see both nevertheless

    @property
    def covered(self) -> frozenset[Datum]:
        """All that is not shown in plain words."""
        return self.masked | self.hidden


PLAIN = Rule()
NOTHING = Rule(hidden=frozenset(Datum))
"""For a role of which the policy says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyPolicy:
    """The whole policy."""

    rules: Mapping[tuple[str, Secrecy], Rule]  # role, secrecy -> rule
    per_hour: int  # unmaskings of one person within an hour
    open_s: float  # so long what was unmasked stays open, where it is asked for again (recordings)
    keep_days: int  # lines of the access log are kept for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks."""

    role: str  # cti.messages.Role, "system" or "system_persons"; "" for nobody in particular
    login: str = ""  # theirs
    confidential: bool = False  # has the right to confidential orders


_VALUES: Mapping[Secrecy, tuple[str, ...]] = {
    Secrecy.PUBLIC: ("", "公开"),
    Secrecy.ANONYMOUS: (ANONYMOUS,),
    Secrecy.CONFIDENTIAL: (CONFIDENTIAL,),
}
_FOUND_BY = frozenset({Datum.CALLER, Datum.PHONE, Datum.CONTACT, Datum.DETAIL})

NOBODY = Viewer(role="")
"""Is shown nothing personal."""


def secrecy_of(draft: Draft) -> Secrecy:
    """Return how secret it is who it was."""
    return secrecy_named(value_of(draft, OrderField.SECRECY))


def secrecy_named(value: str) -> Secrecy:
    """Return the secrecy that a value of 保密要求 means."""
    if value == CONFIDENTIAL:
        return Secrecy.CONFIDENTIAL
    return Secrecy.ANONYMOUS if value == ANONYMOUS else Secrecy.PUBLIC


def covered_secrecies(policy: PrivacyPolicy, role: str) -> frozenset[str]:
    """Return the values of 保密要求 whose orders this role must not find by a name or a number."""
    return frozenset(
        value
        for secrecy, values in _VALUES.items()
        if policy.rules.get((role, secrecy), NOTHING).covered & _FOUND_BY
        for value in values
    )


def rule_for(policy: PrivacyPolicy, viewer: Viewer, order: Order) -> Rule:
    """Return what the viewer is shown of this order."""
    if order.draft.state is OrderState.DRAFT and viewer.login and order.agent == viewer.login:
        return PLAIN  # the agent who is filling it in
    return policy.rules.get((viewer.role, secrecy_of(order.draft)), NOTHING)


def may_unmask(rule: Rule, viewer: Viewer) -> bool:
    """Whether the viewer may see in plain words, with a reason, what the rule covers."""
    if not rule.covered or rule.unmask is Unmask.NEVER:
        return False
    return rule.unmask is Unmask.REASON or viewer.confidential


# ---------------------------------------------------------------- how it is masked

_NUMBERS = re.compile(
    r"(?<![\d.])(?:"
    r"\d{17}[\dXx]"  # identity card
    r"|(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}"  # mobile, also in groups of 3-4-4
    r"|0\d{2,3}[- ]?[2-9]\d{6,7}"  # area code and number
    r"|(?!(?:19|20)\d{6}(?!\d))[2-9]\d{6,7}"  # a number of this city, and no date such as 20261122
    r")(?!\d)"
)


def masked_number(value: str) -> str:
    """Return a number with its middle covered: 138****0001, 010****6666, ****66; a short one wholly."""
    digits = re.sub(r"\D", "", value)
    if len(digits) >= 10:
        return f"{digits[:3]}{HIDDEN}{digits[-4:]}"
    return f"{HIDDEN}{digits[-2:]}" if len(digits) >= 7 else HIDDEN


def masked_name(value: str) -> str:
    """Return a name with all but its first character covered: 王**."""
    return f"{value[:1]}**"


def masked_words(text: str, names: Iterable[tuple[str, str]] = (), *, wholly: bool = False) -> str:
    """Return a text with telephone and identity numbers covered, and what is known of the citizen replaced.

    `names` are pairs of what is replaced and what stands there instead; `wholly` leaves nothing of numbers.
    """
    for known, shown in names:
        text = text.replace(known, shown)
    return _NUMBERS.sub(HIDDEN if wholly else lambda found: masked_number(found[0]), text)
