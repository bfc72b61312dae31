"""Who leads: a lease with a fencing token, reckoned so that its holder never believes in it too long.

The lease is a key in Redis with a time to live; whoever finds it gone may take it, and each taking has a
higher epoch than the one before. The holder does not ask Redis whether it still leads: it reckons from the
moment when it *sent* its last successful renewal, on a clock that goes on while the process is stopped
(`CLOCK_MONOTONIC` counts SIGSTOP and hangs, unlike processor time). So a leader that was stopped for longer
than its lease finds it over at the first look, before it decides anything. Source of the scheme: fencing
tokens as in Chubby's sequencers (Burrows, 2006, section 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass

TTL_S = 2.0
"""The key lives so long after each renewal."""
MARGIN_S = 0.3
"""The holder stops this much earlier, so that clocks which run at slightly different speeds do no harm."""
BEAT_S = 0.4
"""Renewals and signs of life are sent this often: four may be lost or late before the lease is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What one exchange with Redis found: a sign of life given, a lease renewed, taken or seen."""

    leader: str  # member that holds the lease after the exchange, "" when nobody does
    epoch: int  # of that lease; 0 when nobody holds it
    left_s: float  # until it ends unless renewed
    members: frozenset[str]  # who has given a sign of life lately, the asker included
    forgot: bool = False  # Redis had no memory of any lease: its list of members says little yet


class Lease:
    """The holder's own view of the lease. Times are seconds on a monotonic clock."""

    def __init__(self, *, ttl_s: float = TTL_S, margin_s: float = MARGIN_S) -> None:
        """Raises ValueError when the margin leaves nothing of the lease."""
        if not 0 <= margin_s < ttl_s:
            raise ValueError(f"margin_s = {margin_s!r}: give 0 to less than ttl_s = {ttl_s!r}")
        self._held_s = ttl_s - margin_s
        self._until: float | None = None
        self.epoch = 0  # of the lease that is or was held last

    def taken(self, epoch: int, sent: float) -> None:
        """Redis confirmed that the lease of this epoch is ours; the question was sent at `sent`."""
        if epoch < self.epoch:
            raise ValueError(f"epoch = {epoch!r}: an older one than {self.epoch!r}, which was held before")
        until = sent + self._held_s
        if epoch == self.epoch and self._until is not None:
            until = max(until, self._until)  # answers may overtake one another
        self.epoch, self._until = epoch, until

    def lost(self) -> None:
        """Somebody else has it, or it was given back."""
        self._until = None

    def held(self, now: float) -> bool:
        """Whether decisions may go out at this moment."""
        return self._until is not None and now < self._until
