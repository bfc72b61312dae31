"""Keeps in the access log that somebody opened an order that is not theirs."""

from __future__ import annotations

from aiohttp import web

from cti.messages import Role
from cti.ports import Person
from cti.web.guard import DEPS, TOKEN, person_of
from orders.records import Order

__all__ = ["is_theirs", "note_opened"]


def is_theirs(person: Person, order: Order) -> bool:
    """Whether the person handles the order: as its agent, or for a unit that has a part in it."""
    if order.agent == person.login:
        return True
    course = order.draft.course
    if person.role is not Role.UNIT or course is None:
        return False
    return person.unit in (course.lead, *(joint.unit for joint in course.joint))


async def note_opened(request: web.Request, order: Order) -> None:
    """Keep it, unless the order is theirs; other systems' reading is counted with their tokens."""
    casework, person = request.app[DEPS].casework, person_of(request)
    if casework is None or request.get(TOKEN) is not None or is_theirs(person, order):
        return
    await casework.accesses.opened(person, order.draft.order_id, order.number)
