"""Telephone samples in one byte become 16 bits, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.g711 import Law, decode, encode


@pytest.mark.parametrize(
    ("law", "byte", "value"),
    [(Law.A, 0xD5, 8), (Law.A, 0x55, -8), (Law.A, 0xAA, 32256), (Law.MU, 0xFF, 0), (Law.MU, 0x80, 32124)],
)
def test_bytes_stand_for_the_values_of_the_recommendation(law: Law, byte: int, value: int) -> None:
    assert decode(bytes([byte]), law)[0] == value


@pytest.mark.parametrize("law", Law)
@given(data=st.binary(max_size=300))
def test_a_decoded_byte_is_encoded_as_one_of_the_same_value(law: Law, data: bytes) -> None:
    samples = decode(data, law)
    assert np.array_equal(decode(encode(samples, law), law), samples)


@pytest.mark.parametrize("law", Law)
@given(value=st.integers(-32768, 32767))
def test_what_is_lost_is_at_most_a_sixteenth_of_the_sample(law: Law, value: int) -> None:
    again = int(decode(encode(np.array([value], np.int16), law), law)[0])
    assert abs(again - value) <= max(abs(value) / 16, 16)
