"""Every act that the trail can hold has words: the code is looked through for what it writes there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from cti.audit_words import ACTS, GROUPS, act_title, acts_of
from cti.messages_floor import SupervisionKind
from cti.quality.documents import DocumentKind
from cti.quality.reviews import MoveKind

ROOT = Path(__file__).parents[3] / "cti"
WRITERS = {"note", "_note", "_noting", "AuditLine", "_told", "_ruled"}
"""Functions that write into the trail, or pass on what is written there."""
OTHERS = {
    "agent_id", "brought_back", "burst_id", "handed_over", "handover_failed", "needs_heard", "not_back",
    "ring_s",
}  # fmt: skip
"""What functions of these names are told for another purpose: call control's and the journal's own notes."""
MADE = {
    "burst_": {"open", "noticed", "announced", "dismissed"},
    "_refused": {"flows", "policy", "cases"},
    "quality_": {*(kind.value for kind in MoveKind), *(f"{kind.value}_published" for kind in DocumentKind)},
    "_published": set[str](),
    "supervise_": {*(kind.value for kind in SupervisionKind), "leave", "end", "move", "state", "skills"},
}
"""Parts of names that are put together, and what they are put together with."""


def names() -> Iterator[tuple[str, str]]:
    """All names that are written, and where."""
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                values += [one.value for one in node.keywords if one.arg == "what"]
                if called in WRITERS:
                    values += node.args
            elif isinstance(node, ast.Assign) and any(
                getattr(one, "id", "") == "what" for one in node.targets
            ):
                values.append(node.value)
            for value in values:
                for part in _texts(value):
                    yield part, f"{path.relative_to(ROOT)}:{value.lineno}"


def _texts(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        if "_" in value.value and value.value.isascii() and value.value.replace("_", "a").isalpha():
            yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        for part in value.values:
            yield from _texts(part)


def test_no_act_of_the_trail_is_without_chinese_words() -> None:
    found = dict(names())
    assert len(found) > 70  # the looking itself works
    missing = {
        act: place for act, place in found.items() if act not in ACTS and act not in OTHERS | MADE.keys()
    }
    assert not missing
    made = {f"{part}{rest}" for part in ("burst_", "quality_", "supervise_") for rest in MADE[part]}
    assert made | {f"{one}_refused" for one in MADE["_refused"]} <= ACTS.keys()


def test_words_are_chinese_and_no_two_acts_share_them() -> None:
    assert len(set(ACTS.values())) == len(ACTS)
    assert all(any("一" <= sign <= "鿿" for sign in title) for title in (*ACTS.values(), *GROUPS))


def test_each_act_is_in_one_group_and_supervisors_have_their_own() -> None:
    assert sorted(act for group in GROUPS for act in acts_of(group)) == sorted(ACTS)
    assert {"supervise_listen", "supervise_barge", "supervise_takeover"} <= set(acts_of("班长操作"))
    assert acts_of("没有") == ()
    assert act_title("from_a_later_version") == "from_a_later_version"
