"""How call-backs behave, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass

from acd.callback_policy import CallbackPolicy

__all__ = ["CallbackRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRules:
    """What the shell needs beside the policy. Seconds."""

    policy: CallbackPolicy
    ring_s: float = 30.0  # the citizen's telephone rings at most so long
    automatic: bool = True  # missed and abandoned calls become work by themselves
    abandoned_s: float = 5.0  # who hangs up earlier than this did not want to wait at all
    area_code: str = ""  # put before local numbers, with its 0
