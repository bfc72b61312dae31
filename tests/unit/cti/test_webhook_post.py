"""Where deliveries may go, how they are signed, and how long is waited between tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.changes import Cursor, CursorUnreadable
from cti.signatures import signature, verified
from cti.webhook_post import AddressRules, HookPost, NotTaken
from cti.webhook_sender import LONGEST_PAUSE_S, pause_s


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "198.18.0.1", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "224.0.0.1", "100.64.0.1", "not an address"],
)  # fmt: skip
def test_addresses_that_only_this_server_can_reach_are_refused(address: str) -> None:
    assert not AddressRules().allows("hooks.example.cn", address)


def test_public_addresses_are_allowed() -> None:
    assert AddressRules().allows("hooks.example.cn", "8.8.8.8")


def test_a_network_or_a_host_of_the_citys_own_is_allowed_by_the_settings() -> None:
    rules = AddressRules(["10.8.0.0/16", "Dispatch.City.gov.cn"])
    assert rules.allows("anything", "10.8.3.4")
    assert not rules.allows("anything", "10.9.3.4")
    assert rules.allows("dispatch.city.gov.cn", "10.9.3.4")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/"])
async def test_nothing_is_sent_to_an_address_that_is_not_allowed(url: str) -> None:
    post = HookPost(AddressRules())
    with pytest.raises(NotTaken, match="address not allowed"):
        await post.deliver(url, "secret", "w-1", {})
    await post.close()


async def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(NotTaken, match="256 KiB"):
        await HookPost(AddressRules()).deliver("http://127.0.0.1:1/", "secret", "w-1", "x" * 300_000)


def test_a_signature_is_that_of_the_documentation() -> None:
    # printf '1800000000.{}' | openssl dgst -sha256 -hmac secret
    assert signature("secret", b"{}", 1_800_000_000) == (
        "sha256=bb7079132825ac793cea8c013c1dd24d926b9b02132245b10588d9e5c0df70d7"
    )


@given(st.binary(max_size=50), st.integers(1_700_000_000, 1_900_000_000), st.integers(-300, 300))
def test_a_receiver_finds_a_fresh_delivery_to_be_ours(body: bytes, at: int, later: int) -> None:
    given_ = signature("secret", body, at)
    assert verified("secret", body, str(at), given_, now=at + later)
    assert not verified("other", body, str(at), given_, now=at + later)


@given(st.integers(1, 100), st.floats(0, 1))
def test_pauses_grow_and_stay_within_their_bounds(tries: int, chance: float) -> None:
    assert 1.5 <= pause_s(tries, chance) <= LONGEST_PAUSE_S * 1.25
    assert pause_s(tries + 1, chance) >= pause_s(tries, chance)


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_cursor_is_read_as_it_was_written(tx: int, number: int) -> None:
    assert Cursor.read(str(Cursor(tx, number))) == Cursor(tx, number)


@pytest.mark.parametrize("wrong", ["", "1", "1.", ".1", "a.b", "1.2.3", "-1.2", "1" * 50 + ".1"])
def test_what_is_no_cursor_is_refused(wrong: str) -> None:
    with pytest.raises(CursorUnreadable):
        Cursor.read(wrong)
