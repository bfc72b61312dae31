"""How `hotline bench pick` reads what the telephones wrote."""

from __future__ import annotations

import pytest

from cti.bench import BenchError
from cti.bench.pick import summary

CITIZENS = [f"I 1390{n} 2026-11-22 00:00:00 {n}.0" for n in range(1, 5)]  # one a second


def agent(mark: str, citizen: int, at: float, number: str = "20001p") -> str:
    return f"{mark} 1390{citizen} {number} 2026-11-22 00:00:00 {at}"


def test_a_pick_is_from_the_agents_hang_up_to_the_next_ring_at_the_same_phone() -> None:
    told = [agent("R", 1, 1.1), agent("H", 1, 6.0), agent("R", 2, 6.02), agent("R", 3, 3.5, "20002p")]
    phase = summary("hotline", CITIZENS, told)
    assert (phase.picks, phase.pick_ms.p50) == (1, 20.0)
    assert phase.rung == 3


def test_a_hang_up_with_nobody_waiting_does_not_count() -> None:
    told = [agent("R", 1, 1.1), agent("H", 1, 1.3), agent("R", 2, 2.1)]
    assert summary("hotline", CITIZENS, told).picks == 0


def test_somebody_who_has_only_just_called_is_not_yet_waiting() -> None:
    told = [agent("R", 1, 1.1), agent("H", 1, 2.2), agent("R", 2, 2.3)]
    assert summary("hotline", CITIZENS, told).picks == 0


def test_the_longest_line_is_told() -> None:
    told = [agent("R", 1, 1.1), agent("H", 1, 9.0), agent("R", 2, 9.1)]
    assert summary("hotline", CITIZENS, told).longest_line == 3


def test_an_odd_line_is_refused() -> None:
    with pytest.raises(BenchError, match="odd line"):
        summary("hotline", ["I"], [])
