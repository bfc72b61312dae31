"""The examples in docs/flows.md are steps that work, one of each kind at least."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivr_flows.schema import ENDS, KINDS, FlowDocument, Step
from ivr_flows.yamlfile import parse_yaml

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "flows.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ANY_STEP: type[Step] = Step  # type: ignore[assignment]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_step(example: str) -> None:
    file = parse_yaml(example.encode(), name="docs/flows.md")
    (name,) = file.data
    step = file.convert(ANY_STEP, at=name, kinds=KINDS)
    assert list(step.exits())


def test_every_kind_of_step_has_an_example_under_its_name() -> None:
    kinds = [re.search(r"kind: (\w+)", example) for example in EXAMPLES]
    assert {found[1] for found in kinds if found} == set(KINDS)
    assert set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == set(KINDS)


def test_every_end_and_every_outermost_key_is_explained() -> None:
    for word in (*ENDS, *FlowDocument.__struct_fields__):
        assert f"{word}:" in PAGE or f"`{word}`" in PAGE
