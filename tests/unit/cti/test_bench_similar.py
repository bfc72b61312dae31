"""The measure of similar orders is what its definition says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.bench.errors import BenchError
from cti.bench.similar import Labelled, generated, mean_average_precision, read_labels, timing
from orders.similar import SimilarItem

ITEMS = [
    SimilarItem(order_id="a", title="云锦花园停水三天"),
    SimilarItem(order_id="b", title="云锦花园停水三天没人管"),
    SimilarItem(order_id="c", title="滨江路夜间施工噪音"),
    SimilarItem(order_id="d", title="咨询社保卡补办"),
]


def test_a_pair_that_finds_each_other_first_has_precision_one() -> None:
    assert mean_average_precision(ITEMS, Labelled(groups=[["a", "b"]])) == pytest.approx(1.0)


def test_what_is_not_found_counts_nothing() -> None:
    assert mean_average_precision(ITEMS, Labelled(groups=[["c", "d"]])) == 0.0


def test_labels_of_other_messages_are_refused() -> None:
    with pytest.raises(BenchError, match="labels of the same file"):
        mean_average_precision(ITEMS, Labelled(groups=[["a", "x"]]))


def test_a_file_without_groups_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text("[]", "utf-8")
    with pytest.raises(BenchError, match=r"labels\.json"):
        read_labels(file)


def test_generated_orders_are_the_same_every_time_and_can_be_timed() -> None:
    assert generated(5) == generated(5)
    assert len({item.order_id for item in generated(50)}) == 50
    taken = timing(200, 20)
    assert taken.orders == 200
    assert taken.find_p95_ms >= taken.find_p50_ms > 0.0
