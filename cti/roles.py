"""Who belongs to the hotline's floor, and who to the offices behind it. What is not said here nobody may do.

The floor hears of calls, queues, captions, notices and staff messages. The offices (dispatchers, units,
leaders, auditors) hear of orders only, and of those only what is open to them (`cti.casework.sights`).
"""

from __future__ import annotations

from cti.message_base import Role

__all__ = ["FLOOR", "OFFICE", "OFFICE_TOPICS", "STAFF", "may_watch"]

STAFF = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN})
"""The hotline's own people, who can be agents: they have a telephone state, a snapshot with their call."""
FLOOR = STAFF | {Role.LISTENER}
"""Who is told what all pages are told: queues, state of the system, notices."""
OFFICE = frozenset(Role) - FLOOR
"""Who works on orders and has no part in calls."""
OFFICE_TOPICS = frozenset({"orders", "unit"})
"""The topics that a page of the offices may watch, as far as each topic lets them."""


def may_watch(role: Role, topic: str) -> bool:
    """Whether pages of this role may watch the topic at all; the topic itself says more."""
    return role in FLOOR or topic.partition(":")[0] in OFFICE_TOPICS
