"""`hotline bench router` measures what it says it does."""

from __future__ import annotations

import io

import msgspec
import pytest

from acd.policy import Policy, parse_policy
from cti.bench import KNOWN, Options, router
from cti.bench.result import as_json
from cti.launcher import Steps

SIZES = (40, 120)


def test_every_size_assigns_calls_and_counts_them() -> None:
    tallies, centres = router.run(1, 0.0, SIZES, agents=30, batches=5)
    for tally, size in zip(tallies, SIZES, strict=True):
        assert tally.waiting == size
        assert 0 < tally.assignments <= tally.ready_events
        assert len(tally.per_s) == len(tally.life_per_s) == 1
    assert [centre.in_line for centre in centres] == list(SIZES)


def test_calls_that_have_waited_are_taken_by_relaxed_needs() -> None:
    tallies, _ = router.run(2, 0.0, (400,), agents=30, batches=30)
    assert tallies[0].relaxed > 0


def test_the_policy_of_the_benchmark_is_a_legal_one() -> None:
    policy: Policy = router.policy()
    assert parse_policy(msgspec.json.encode(policy)) == policy
    assert len(policy.skills) == 30


def test_the_result_says_how_cost_grew_beside_log_n(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "SIZES", SIZES)
    monkeypatch.setattr(router, "AIM_SIZE", SIZES[-1])
    monkeypatch.setattr(router, "AGENTS", 30)
    options = Options(seconds=1.0, rounds=1)
    result = router.measure(options, Steps(router.steps(options), io.StringIO()))
    assert result.details["log_n_grew"] == pytest.approx(1.2978, abs=1e-3)
    assert [size["waiting"] for size in result.details["sizes"]] == list(SIZES)
    assert result.details["garbage_collector"] == "on"
    assert '"name":"router"' in as_json(result)


def test_the_benchmark_is_known() -> None:
    assert KNOWN["router"].module == "cti.bench.router"
