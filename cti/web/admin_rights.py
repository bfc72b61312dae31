"""Who may change what in the administration pages: the one table of rights."""

from __future__ import annotations

from collections.abc import Mapping

from cti.messages import Role

__all__ = ["RIGHTS", "family", "may_edit"]

_ADMIN = frozenset({Role.ADMIN})
_CHARGE = frozenset({Role.SUPERVISOR, Role.ADMIN})

RIGHTS: Mapping[str, frozenset[Role]] = {
    "policy": _ADMIN,  # skills, queues, routing
    "flow": _ADMIN,
    "numbers": _ADMIN,
    "calendar": _CHARGE,  # holidays and make-up days
    "directory": _CHARGE,  # whom agents may call
    "prompt": _ADMIN,
    "clocks": _ADMIN,  # time limits of orders
    "workdays": _CHARGE,  # the working calendar by which they are counted
    "supervision": _CHARGE,  # when orders are supervised by themselves
    "answers": _CHARGE,  # checklist, bad ratings, redo, closing
    "dispatch": _ADMIN,  # what is dispatched without a person
    "assessment": _ADMIN,  # how units are assessed
    "notices": _CHARGE,  # what citizens are told
    "privacy": _ADMIN,  # who sees personal data
    "retention": _ADMIN,  # what goes after how long
    "account": _ADMIN,  # people, roles, passwords, sessions
    "skills": _CHARGE,  # of agents; an administrator's and a supervisor's only by administrators
    "settings": _ADMIN,  # seen, never changed here
    "changes": _ADMIN,  # the whole trail
}
"""family of documents, or what is done -> roles that may change it; supervisors may look at all documents"""


def family(kind: str) -> str:
    """The family of a document: `flow` of `flow:night`."""
    return kind.partition(":")[0]


def may_edit(role: Role, kind: str) -> bool:
    """Whether somebody of this role may draft and publish this document."""
    return role in RIGHTS.get(family(kind), frozenset())
