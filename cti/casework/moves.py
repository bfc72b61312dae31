"""The moves that people make with an order (办理动作): who may, what they fill in, the event it becomes.

The table is the only place that says which role makes which move. Whether a move is possible now is not said
here: `orders.course_table` knows the states, `orders.course_rules` the units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from cti.casework import correction
from cti.casework.clock_move import clock_set
from cti.casework.visit_move import visit_planned
from cti.messages import Role
from cti.ports import Person
from orders import course_events as happened
from orders.course_events import CourseEvent
from orders.course_messages import Course
from orders.course_table import legal
from orders.course_titles import event_title
from orders.errors import CourseRefused, ValueRefused

__all__ = ["MOVES", "Move", "MoveForbidden", "event_of", "moves_for"]

CENTRE = frozenset({Role.CLERK, Role.SUPERVISOR, Role.ADMIN})
"""The hotline's own people who take orders through their course."""
RULING = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Who rules where units and centre do not agree."""
WATCHING = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.LEADER})
"""Who puts an order under supervision by hand (督办、批示)."""
OFFICES = CENTRE | {Role.UNIT}
"""Units' moves; the centre makes them for units that have no account, and the trail shows who did it."""


class MoveForbidden(CourseRefused):
    """This person's role does not make this move."""


Make = Callable[[Mapping[str, Any], Person, Course], CourseEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move."""

    name: str  # as programs and pages say it
    event: type[CourseEvent]  # what it becomes
    roles: frozenset[Role]  # who may
    fields: tuple[str, ...] = ()  # what is filled in; other keys are refused
    of_unit: bool = False  # made by a unit: it fills in `unit`
    fixed: Mapping[str, Any] = field(default_factory=dict)  # what nobody fills in
    make: Make | None = None  # where what is filled in are not the event's own fields

    @property
    def title(self) -> str:
        """In Chinese."""
        return event_title(self.event.__name__)


def _table(*moves: Move) -> Mapping[str, Move]:
    return MappingProxyType({move.name: move for move in moves})


MOVES: Mapping[str, Move] = _table(
    Move(name="answer", event=happened.AnsweredDirectly, roles=CENTRE | {Role.AGENT}, fields=("text",)),
    Move(
        name="dispatch",
        event=happened.OrderDispatched,
        roles=CENTRE,
        fields=("lead", "joint", "joint_rule", "reason", "source"),
    ),
    Move(name="set_joint", event=happened.JointSet, roles=CENTRE, fields=("joint", "joint_rule", "reason")),
    Move(name="sign", event=happened.OrderSigned, roles=OFFICES, of_unit=True),
    Move(name="contact", event=happened.ContactMade, roles=OFFICES, fields=("text",), of_unit=True),
    Move(name="note", event=happened.WorkNoted, roles=OFFICES, fields=("text",), of_unit=True),
    Move(
        name="ask_extension",
        event=happened.ExtensionAsked,
        roles=OFFICES,
        fields=("days", "reason"),
        of_unit=True,
    ),
    Move(
        name="rule_extension",
        event=happened.ExtensionRuled,
        roles=CENTRE,
        fields=("granted", "reason", "due"),
    ),
    Move(name="return", event=happened.OrderReturned, roles=OFFICES, fields=("reason",), of_unit=True),
    Move(name="rule_return", event=happened.ReturnRuled, roles=CENTRE, fields=("accepted", "reason")),
    Move(name="dispute", event=happened.DisputeRaised, roles=OFFICES, fields=("reason",), of_unit=True),
    Move(
        name="rule_dispute",
        event=happened.DisputeRuled,
        roles=RULING,
        fields=("lead", "joint", "joint_rule", "reason"),
    ),
    Move(name="joint_answer", event=happened.JointAnswered, roles=OFFICES, fields=("text",), of_unit=True),
    Move(name="feed_back", event=happened.FedBack, roles=OFFICES, fields=("text", "outcome"), of_unit=True),
    Move(
        name="review",
        event=happened.FeedbackReviewed,
        roles=CENTRE,
        fields=("passed", "checklist", "reason"),
    ),
    Move(
        name="plan_visit",
        event=happened.VisitPlanned,
        roles=CENTRE,
        fields=("visit_id",),
        make=visit_planned,
    ),
    Move(
        name="rate",
        event=happened.OrderRated,
        roles=CENTRE | {Role.AGENT},
        fields=("result", "service", "solved", "words"),
        fixed={"bad": False},  # the rules say (orders.course_policy)
    ),
    Move(
        name="rate_joined",
        event=happened.JoinedRated,
        roles=CENTRE | {Role.AGENT},
        fields=("other", "result", "service", "solved", "words"),
        fixed={"bad": False},
    ),
    Move(name="redo", event=happened.RedoOrdered, roles=CENTRE, fields=("reason",), fixed={"clocks": ()}),
    Move(name="appeal", event=happened.AppealRaised, roles=OFFICES, fields=("reason",), of_unit=True),
    Move(name="rule_appeal", event=happened.AppealRuled, roles=RULING, fields=("upheld", "reason")),
    Move(name="follow", event=happened.FollowedUp, roles=WATCHING | CENTRE, fields=("reason",)),
    Move(name="supervise", event=happened.SupervisionSet, roles=WATCHING, fields=("level", "reason")),
    Move(
        name="set_clock",
        event=happened.ClocksSet,
        roles=RULING,
        fields=("kind", "unit", "due", "reason"),
        make=clock_set,
    ),
    Move(name="pause", event=happened.ClockPaused, roles=CENTRE, fields=("kind", "unit", "reason")),
    Move(
        name="resume",
        event=happened.ClockResumed,
        roles=CENTRE,
        fields=("kind", "unit", "reason"),
        fixed={"due": 0.0, "near_at": 0.0},  # the calendar says (orders.course_policy)
    ),
    Move(
        name="correct",
        event=happened.OrderCorrected,
        roles=CENTRE | {Role.AGENT},
        fields=("changes", "cause", "reason"),
        make=correction.given,
    ),
    Move(name="close", event=happened.OrderClosed, roles=CENTRE, fields=("reason",)),
    Move(name="archive", event=happened.OrderArchived, roles=RULING),
    Move(name="withdraw", event=happened.OrderWithdrawn, roles=CENTRE, fields=("reason",)),
)
"""Name -> move."""


def event_of(
    name: str, given: Mapping[str, Any], person: Person, course: Course, units: frozenset[str]
) -> CourseEvent:
    """Return the event that a person's move becomes.

    `units` are those for which a person of a unit may act: their own and those below it.

    Raises:
        ValueRefused: no such move, or what is filled in does not fit it.
        MoveForbidden: the person's role does not make it, or it is another unit's.
    """
    move = MOVES.get(name)
    if move is None:
        raise ValueRefused(f"no move {name[:40]!r}; there are {', '.join(MOVES)}", shown="没有这个操作")
    if person.role not in move.roles:
        raise MoveForbidden(f"role {person.role} does not {name}", shown=f"您没有“{move.title}”的权限")
    values = dict(given)
    unit = str(values.pop("unit", "") or "") if move.of_unit else ""
    unknown = sorted(set(values) - set(move.fields))
    if unknown:
        raise ValueRefused(f"{name} has no {unknown[0][:40]!r}; it takes {move.fields}", shown="操作内容有误")
    if move.make is not None:
        return move.make(values, person, course)
    if move.of_unit:
        values["unit"] = _acting(unit, person, course, units)
    if move.event is happened.OrderDispatched:
        values.setdefault("source", "clerk")
    try:
        return msgspec.convert({**values, **move.fixed, "by": person.login}, move.event)
    except msgspec.ValidationError as error:
        raise ValueRefused(f"{name}: {error}", shown=f"“{move.title}”的内容不完整或格式不对") from None


def moves_for(person: Person, course: Course) -> tuple[str, ...]:
    """Return the names of the moves that this person's role makes in the order's state."""
    possible = frozenset(legal(course.state))
    return tuple(name for name, move in MOVES.items() if person.role in move.roles and move.event in possible)


def _acting(unit: str, person: Person, course: Course, units: frozenset[str]) -> str:
    """The unit in whose name the move is made: the one named, else the person's part in this order."""
    parts = (course.lead, *(joint.unit for joint in course.joint))
    mine = [one for one in parts if one in units] if person.role is Role.UNIT else [course.lead]
    chosen = unit or next(iter(mine), person.unit or course.lead)
    if person.role is Role.UNIT and chosen not in units:
        raise MoveForbidden("acts for another unit", shown="不能代其他单位操作")
    return chosen
