"""A leader believes in its lease a little shorter than Redis does, whatever happens to it meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.lease import Lease


def test_a_lease_counts_from_the_moment_at_which_the_renewal_was_sent() -> None:
    lease = Lease(ttl_s=2.0, margin_s=0.5)
    lease.taken(1, sent=10.0)
    assert lease.held(11.4)
    assert not lease.held(11.5)


def test_an_answer_that_is_read_after_a_long_stop_brings_no_lease() -> None:
    lease = Lease(ttl_s=2.0, margin_s=0.5)
    lease.taken(1, sent=10.0)
    assert not lease.held(60.0)


def test_answers_that_overtake_one_another_do_not_shorten_the_lease() -> None:
    lease = Lease(ttl_s=2.0, margin_s=0.5)
    lease.taken(1, sent=10.4)
    lease.taken(1, sent=10.0)
    assert lease.held(11.8)


def test_a_lost_lease_is_not_held() -> None:
    lease = Lease()
    lease.taken(1, sent=0.0)
    lease.lost()
    assert not lease.held(0.1)


def test_an_older_epoch_is_never_taken_again() -> None:
    lease = Lease()
    lease.taken(5, sent=0.0)
    with pytest.raises(ValueError, match="epoch = 4"):
        lease.taken(4, sent=1.0)


def test_a_margin_as_long_as_the_lease_is_refused() -> None:
    with pytest.raises(ValueError, match="margin_s = 2"):
        Lease(ttl_s=2.0, margin_s=2.0)


@given(sent=st.lists(st.floats(0, 1000), min_size=1), look=st.floats(0, 2000))
def test_a_lease_is_never_held_when_redis_has_given_it_up(sent: list[float], look: float) -> None:
    lease = Lease(ttl_s=2.0, margin_s=0.3)
    for at in sent:
        lease.taken(1, at)
    assert not (lease.held(look) and look >= max(sent) + 2.0)
