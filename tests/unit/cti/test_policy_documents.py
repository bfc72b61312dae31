"""Every document of policy: one wrong value is refused by its key and line, and nobody is kept waiting."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.errors import PolicyError as RoutingError
from acd.policy import SHIPPED as ROUTING
from acd.policy import parse_policy
from cti.edition_cases import CASES
from orders.policy_file import PolicyError

DOCUMENTS = {kind: (one.shipped, one.parse) for kind, one in CASES.items()} | {
    "policy": (ROUTING, parse_policy)
}
WRONG = st.sampled_from(["x", "", -1, 10**9, 1.5, True, None, [], ["x"], {}, {"a]b[": 1}, {"x": {"y.z": 2}}])


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place below `value`."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*above, key)
        yield from places(one, (*above, key))


@pytest.mark.parametrize("kind", DOCUMENTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_wrong_value_anywhere_is_taken_or_refused_with_its_key(kind: str, data: st.DataObject) -> None:
    path, parse = DOCUMENTS[kind]
    document = yaml.safe_load(path.read_bytes())
    place = data.draw(st.sampled_from(list(places(document))))
    changed: Any = copy.deepcopy(document)
    inside = changed
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = data.draw(WRONG)
    raw = yaml.safe_dump(changed, allow_unicode=True, sort_keys=False).encode()
    try:
        parse(raw, name="given.yaml")
    except (PolicyError, RoutingError) as error:
        assert error.key and error.remedy
        assert 0 <= error.line <= raw.count(b"\n")


@pytest.mark.parametrize(
    ("kind", "old", "new", "key"),
    [
        ("assessment", "solved_rate: 30", "solved_rate: 300", "weights.solved_rate"),
        ("notices", "to: all", "to: everybody", "templates.accepted.to"),
        ("notices", "  rate:", "  rating:", "templates.rating"),
        ("privacy", "unmask: confidential", "unmask: [confidential]", "roles.agent.confidential.unmask"),
    ],
)
def test_what_is_wrong_below_a_free_key_is_named_by_that_key(kind: str, old: str, new: str, key: str) -> None:
    parse: Callable[..., object] = CASES[kind].parse
    text = CASES[kind].shipped.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(PolicyError) as refused:
        parse(text.replace(old, new, 1).encode(), name="given.yaml")
    assert refused.value.key == key
    assert new.split(":")[0].strip() in text.replace(old, new, 1).splitlines()[refused.value.line - 1]
