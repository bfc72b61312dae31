"""Who looks at the orders that are told just now. The guard says it for each request; nobody else has to.

Whatever tells of an order asks `veil_of` what its reader is shown. Where nobody was named it shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cti.ports import Person
from orders.privacy import NOBODY, PrivacyPolicy, Viewer
from orders.privacy_file import shipped_privacy
from orders.records import Order
from orders.veils import Veil, veil_for

__all__ = ["SYSTEM", "look_as", "looking", "veil_of", "viewer", "viewer_for"]

SYSTEM = Viewer(role="system")

_looks: ContextVar[tuple[PrivacyPolicy | None, Viewer]] = ContextVar("looks", default=(None, NOBODY))


def viewer_for(person: Person) -> Viewer:
    """Return how the policy knows a person, or another system (`cti.web.guard` says as what)."""
    if person.viewed_as:
        return Viewer(role=person.viewed_as)
    return Viewer(role=person.role.value, login=person.login, confidential=person.confidential)


def look_as(policy: PrivacyPolicy | None, who: Viewer) -> None:
    """Say who looks from now on in this task; without a policy the shipped one holds."""
    _looks.set((policy, who))


@contextmanager
def looking(policy: PrivacyPolicy | None, who: Viewer) -> Iterator[None]:
    """Let this one look inside the block."""
    before = _looks.set((policy, who))
    try:
        yield
    finally:
        _looks.reset(before)


def viewer() -> Viewer:
    """Return who looks."""
    return _looks.get()[1]


def veil_of(order: Order) -> Veil:
    """Return what whoever looks is shown of this order."""
    policy, who = _looks.get()
    return veil_for(policy or shipped_privacy(), who, order)
