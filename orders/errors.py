"""What can go wrong with a work order.

Every error's text is English and names state, field and limit, never what a citizen said;
`shown` is a Chinese sentence for the person at the desk.
"""

from __future__ import annotations

from collections.abc import Sequence

from orders.course_titles import refusal


class OrderError(Exception):
    """Base of everything this room raises; the order is unchanged when it is raised."""

    def __init__(self, message: str, *, shown: str) -> None:
        super().__init__(message)
        self.shown = shown  # Chinese, fit to be shown


class IllegalTransition(OrderError):
    """The event cannot happen to an order in this state."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"{event} is not legal for an order in state {state}", shown=refusal(state, event))
        self.state = state
        self.event = event


class UnknownField(OrderError):
    """There is no such field on an order."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"an order has no field {field[:40]!r}; see orders.messages.OrderField", shown="没有这个工单字段"
        )
        self.field = field


class ValueRefused(OrderError):
    """A value, or something that came with it, is longer than its limit or not of its kind."""


class FieldTooLong(ValueRefused):
    """A field's value is longer than the field may be."""

    def __init__(self, field: str, title: str, length: int, limit: int) -> None:
        super().__init__(
            f"field {field} has {length} characters, at most {limit} are allowed",
            shown=f"“{title}”有 {length} 个字，最多 {limit} 个字，请缩短",
        )
        self.field = field
        self.length = length
        self.limit = limit


class MissingFields(OrderError):
    """The order cannot be submitted while these fields are empty."""

    def __init__(self, fields: Sequence[str], titles: Sequence[str]) -> None:
        super().__init__(
            f"cannot submit, empty: {', '.join(fields)}", shown=f"提交前请填写：{'、'.join(titles)}"
        )
        self.fields = tuple(fields)
        self.titles = tuple(titles)  # the same in Chinese


class StaleVersion(OrderError):
    """Another agent changed the same field after the version this edit was based on."""

    def __init__(self, field: str, title: str, seen: int, current: int) -> None:
        super().__init__(
            f"field {field} was edited by another agent after version {seen} (now {current})",
            shown=f"“{title}”刚被其他坐席修改，请查看最新内容后再改",
        )
        self.field = field
        self.seen = seen
        self.current = current


class CourseRefused(OrderError):
    """A rule of the order's course forbids this move: another unit's, or something has to come first."""


class CourseConflict(OrderError):
    """Somebody else moved the order on after the version on which this move was based."""

    def __init__(
        self, event: str, *, seen: int, current: int, by: str, shown: str, people: tuple[str, ...] = ()
    ) -> None:
        super().__init__(
            f"{event} was based on version {seen}, and the order was moved on since (now {current})",
            shown=shown,
        )
        self.seen = seen
        self.current = current
        self.by = by  # login of who moved it last, or "system"
        self.people = people  # logins that stand in `shown`


class UnknownOrder(OrderError):
    """No order has this id."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"no order {order_id[:80]!r}", shown="找不到这张工单")
        self.order_id = order_id


class OrderUnreadable(ValueError):
    """A row of `orders` holds no order: somebody changed it by hand, or the disk did. A fault."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id[:80]}: its row cannot be read; verify it")
        self.order_id = order_id


class KeyReused(OrderError):
    """This idempotency key (or event id) has already been used for something else."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"key {key[:80]!r} was already used for another event", shown="重复的请求，请刷新后重试"
        )
        self.key = key


class ChainBroken(OrderError):
    """An order's stored events are not what was written: one was changed, removed or inserted."""

    def __init__(self, order_id: str, seq: int) -> None:
        super().__init__(
            f"order {order_id}: event {seq} does not fit the hash chain",
            shown="工单记录校验失败，请联系管理员",
        )
        self.order_id = order_id
        self.seq = seq  # the first event that does not fit


class Contention(OrderError):
    """Other writers kept changing the same order; nothing was written."""

    def __init__(self, order_id: str, attempts: int) -> None:
        super().__init__(
            f"order {order_id}: gave up after {attempts} attempts against other writers; try again",
            shown="工单正被频繁修改，请重试",
        )
        self.order_id = order_id


class PolicyRuns(OrderError):
    """What policy says follows from an event goes on without an end; nothing was written."""

    def __init__(self, event: str, most: int) -> None:
        super().__init__(
            f"{event} would bring about over {most} events; check the rules of supervision and time limits",
            shown="工单规则相互触发，未能保存，请联系管理员",
        )
        self.event = event
