"""The rules of automatic dispatch in force; `cti.casework.policy_shelf` puts them here."""

from __future__ import annotations

from orders.dispatch_policy import DispatchPolicy

__all__ = ["DispatchPolicies"]


class DispatchPolicies:
    """Holds the policy; until one is taken, nothing is dispatched without a person."""

    def __init__(self) -> None:
        self.policy = DispatchPolicy()

    def take(self, policy: DispatchPolicy) -> None:
        """Put a policy in force."""
        self.policy = policy
