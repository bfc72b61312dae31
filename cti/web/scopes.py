"""What a token of another system may do: the addresses that each scope opens. All others are for people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cti.tokens import Scope

__all__ = ["SCOPES"]

_CALLS = frozenset({Scope.CALLS_READ})
_WORDS = frozenset({Scope.TRANSCRIPTS_READ})
_ORDERS = frozenset({Scope.ORDERS_READ})
_BRINGING = frozenset({Scope.ORDERS_WRITE})
_CALLBACKS = frozenset({Scope.CALLBACKS_READ})
_FIGURES = frozenset({Scope.FIGURES_READ})

SCOPES: Mapping[tuple[str, str], frozenset[Scope]] = MappingProxyType(
    {
        ("GET", "/api/calls"): _CALLS,
        ("GET", "/api/calls/{call_id}"): _CALLS | _ORDERS,  # its orders are told with it
        ("GET", "/api/calls/{call_id}/transcript"): _WORDS,
        ("GET", "/api/transcripts"): _WORDS,
        ("GET", "/api/orders"): _ORDERS,
        ("GET", "/api/orders/{order_id}"): _ORDERS,
        ("GET", "/api/orders/{order_id}/attachments"): _ORDERS,
        ("GET", "/api/orders/{order_id}/attachments/{attachment_id}"): _ORDERS,
        ("POST", "/api/orders"): _BRINGING,
        ("POST", "/api/attachments"): _BRINGING,
        ("GET", "/api/orders/by-external/{system}/{external_id}"): _BRINGING,
        ("POST", "/api/notices/replies"): frozenset({Scope.NOTICES_WRITE}),
        ("GET", "/api/visits"): _ORDERS,
        ("GET", "/api/visits/{visit_id}"): _ORDERS,
        ("GET", "/api/callbacks"): _CALLBACKS,
        ("GET", "/api/callbacks/{callback_id}"): _CALLBACKS,
        ("GET", "/api/callbacks/{callback_id}/history"): _CALLBACKS,
        ("POST", "/api/callbacks"): frozenset({Scope.CALLBACKS_WRITE}),
        ("GET", "/api/quality/fields"): _FIGURES,
        ("GET", "/api/figures/definitions"): _FIGURES,
        ("GET", "/api/changes"): frozenset(),  # asks for the scope of each kind itself
    }
)
"""Method and path -> scopes that are all needed."""
