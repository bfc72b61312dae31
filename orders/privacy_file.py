"""The policy of who sees personal data, as a file, checked whole."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from orders.policy_file import PolicyFile, parse_policy, read_policy
from orders.privacy import Datum, PrivacyPolicy, Rule, Secrecy, Unmask

__all__ = ["ROLES", "SHIPPED", "load_privacy", "parse_privacy", "shipped_privacy"]

SHIPPED = Path(__file__).parent / "data" / "privacy.yaml"
ROLES = ("agent", "supervisor", "admin", "clerk", "unit", "leader", "auditor", "system", "system_persons")
"""Every role that is shown orders; the file says something of each."""


class _Rule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    masked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    unmask: str = Unmask.NEVER.value


class _Role(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    public: _Rule
    anonymous: _Rule
    confidential: _Rule


class _Unmask(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    per_hour: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    unmask: _Unmask
    keep_days: Annotated[int, msgspec.Meta(ge=180, le=36_500)]
    roles: dict[str, _Role]


def load_privacy(path: Path = SHIPPED) -> PrivacyPolicy:
    """Read a file of the policy.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _policy(read_policy(path))


def parse_privacy(raw: bytes, *, name: str = "privacy.yaml") -> PrivacyPolicy:
    """Read the text of the policy; `name` is how errors call it.

    Raises:
        PolicyError: naming file, line, key, value and remedy.
    """
    return _policy(parse_policy(raw, name=name))


@lru_cache(maxsize=1)
def shipped_privacy() -> PrivacyPolicy:
    """Return the policy as it is shipped."""
    return load_privacy()


def _policy(file: PolicyFile) -> PrivacyPolicy:
    given = file.convert(_File)
    for role in given.roles:
        if role not in ROLES:
            raise file.error(f"roles.{role}", f"write one of: {', '.join(ROLES)}")
    if missing := [role for role in ROLES if role not in given.roles]:
        raise file.error("roles", f"say what {missing[0]} is shown")
    rules: dict[tuple[str, Secrecy], Rule] = {}
    for role, said in given.roles.items():
        for secrecy in Secrecy:
            at = f"roles.{role}.{secrecy}"
            rules[role, secrecy] = _rule(file, at, getattr(said, secrecy))
            _check_units(file, at, role, secrecy, rules[role, secrecy])
    return PrivacyPolicy(
        rules=MappingProxyType(rules),
        per_hour=given.unmask.per_hour,
        open_s=given.unmask.minutes * 60.0,
        keep_days=given.keep_days,
    )


def _rule(file: PolicyFile, at: str, said: _Rule) -> Rule:
    for key in ("masked", "hidden"):
        for index, name in enumerate(getattr(said, key)):
            if name not in tuple(Datum):
                raise file.error(f"{at}.{key}[{index}]", f"write one of: {', '.join(Datum)}")
    if said.unmask not in tuple(Unmask):
        raise file.error(f"{at}.unmask", f"write one of: {', '.join(Unmask)}")
    if both := set(said.masked) & set(said.hidden):
        raise file.error(f"{at}.hidden", f"{sorted(both)[0]} is masked already: say it once")
    if said.unmask != Unmask.NEVER and not said.masked and not said.hidden:
        raise file.error(f"{at}.unmask", "remove it: nothing is masked")
    return Rule(
        masked=frozenset(map(Datum, said.masked)),
        hidden=frozenset(map(Datum, said.hidden)),
        unmask=Unmask(said.unmask),
    )


def _check_units(file: PolicyFile, at: str, role: str, secrecy: Secrecy, rule: Rule) -> None:
    """What 匿名 and 保密 promise the citizen is not policy."""
    if secrecy is Secrecy.PUBLIC:
        return
    everything = frozenset(Datum)
    if role == "unit" and (rule.hidden != everything or rule.unmask is not Unmask.NEVER):
        left = _named(everything - rule.hidden)
        raise file.error(at, f"hide everything from units{left}, and let them never unmask it")
    if secrecy is Secrecy.CONFIDENTIAL and (rule.covered != everything or rule.unmask is Unmask.REASON):
        left = _named(everything - rule.covered)
        raise file.error(at, f"cover everything{left}, and let at most persons with the right unmask it")


def _named(data: frozenset[Datum]) -> str:
    return f" ({', '.join(sorted(data))} as well)" if data else ""
