"""Orders of the same matter are found by what is said, where, when and by whom."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orders.similar import SimilarIndex, SimilarItem
from orders.similar_score import ago

NOW = 1_760_000_000.0
HOUR = 3600.0


def item(order_id: str, title: str, text: str = "", **more: object) -> SimilarItem:
    at = more.pop("at", NOW - HOUR)
    return SimilarItem(order_id=order_id, title=title, text=text, at=at, **more)  # type: ignore[arg-type]


def filled() -> SimilarIndex:
    index = SimilarIndex()
    index.put(
        item(
            "w1",
            "云锦花园小区连续停水三天",
            "我们云锦花园三天没有水了，水泵坏了物业不修",
            number="2025100001",
        )
    )
    index.put(item("w2", "金桥新城小区停水", "金桥新城今天早上开始停水，什么时候来水"))
    index.put(item("n1", "滨江路工地夜间施工噪音扰民", "滨江路地铁工地每天施工到凌晨两点"))
    for count in range(40):
        index.put(item(f"o{count}", f"咨询第{count}号窗口办理社保卡的材料", "请问办理社保卡需要带什么材料"))
    return index


def test_the_same_matter_comes_first_and_a_matter_elsewhere_scores_lower() -> None:
    found = filled().find(item("q", "云锦花园停水没人管", "云锦花园停水好几天了"), now=NOW)
    assert found[0].order_id == "w1"
    scores = {one.order_id: one.score for one in found}
    assert scores["w1"] > 0.5 > scores.get("w2", 0.0)


def test_the_reason_names_what_both_speak_of_and_how_long_ago_it_was() -> None:
    index = filled()
    index.put(item("p", "丽景苑水泵坏了停水", "停水", place="丽景苑", caller="13800000001"))
    found = index.find(item("q", "丽景苑停水", "水泵坏了", place="丽景苑", caller="13800000001"), now=NOW)[0]
    assert found.order_id == "p"
    assert found.reason.startswith("同一来电号码；同一小区；都提到")
    assert found.reason.endswith("1小时前")


def test_an_order_is_not_similar_to_itself() -> None:
    index = filled()
    assert "w1" not in {one.order_id for one in index.find(item("w1", "云锦花园小区连续停水三天"), now=NOW)}


def test_a_dropped_order_is_not_found_again() -> None:
    index = filled()
    index.drop("w1")
    index.drop("never there")
    assert "w1" not in {one.order_id for one in index.find(item("q", "云锦花园小区停水"), now=NOW)}


def test_an_order_that_is_put_again_is_found_by_what_it_says_now() -> None:
    index = filled()
    index.put(item("w1", "翠湖公园路灯不亮", "翠湖公园南门的路灯坏了"))
    assert index.find(item("q", "翠湖公园路灯不亮"), now=NOW)[0].order_id == "w1"
    assert "w1" not in {one.order_id for one in index.find(item("q", "云锦花园小区连续停水三天"), now=NOW)}


def test_a_different_named_place_speaks_against() -> None:
    index = SimilarIndex()
    index.put(item("here", "小区停水三天没人管", place="云锦花园"))
    index.put(item("there", "小区停水三天没人管", place="金桥新城"))
    found = index.find(item("q", "小区停水三天没人管", place="云锦花园"), now=NOW)
    assert [one.order_id for one in found] == ["here", "there"]
    assert found[0].score > found[1].score


def test_of_two_alike_the_recent_one_comes_first() -> None:
    index = SimilarIndex()
    index.put(item("old", "滨江路路面塌陷", at=NOW - 80 * 24 * HOUR))
    index.put(item("new", "滨江路路面塌陷", at=NOW - HOUR))
    found = index.find(item("q", "滨江路路面塌陷", at=NOW), now=NOW)
    assert [one.order_id for one in found] == ["new", "old"]


def test_beyond_its_capacity_the_oldest_is_dropped() -> None:
    index = SimilarIndex(capacity=10)
    for count in range(30):
        index.put(item(f"o{count}", "滨江路路面塌陷"))
    assert len(index) == 10
    found = {one.order_id for one in index.find(item("q", "滨江路路面塌陷"), limit=50, now=NOW)}
    assert found == {f"o{count}" for count in range(20, 30)}


def test_an_order_without_words_finds_nothing() -> None:
    assert filled().find(item("q", "", "。，！"), now=NOW) == ()


def test_a_very_long_text_is_taken() -> None:
    index = filled()
    index.put(item("long", "云锦花园停水", "水" * 100_000))
    assert index.find(item("q", "云锦花园停水", "停" * 100_000), now=NOW)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", "e", "f"]),
            st.booleans(),
            st.sampled_from(["停水", "路灯不亮", "夜间施工噪音", "滨江路塌陷", ""]),
        ),
        max_size=80,
    )
)
def test_what_is_found_is_always_what_was_put_last_and_not_dropped(
    moves: list[tuple[str, bool, str]],
) -> None:
    index, kept = SimilarIndex(capacity=4), dict[str, str]()
    for order_id, put, title in moves:
        kept.pop(order_id, None)
        if put:
            index.put(item(order_id, title))
            kept[order_id] = title
            while len(kept) > 4:
                kept.pop(next(iter(kept)))
        else:
            index.drop(order_id)
    assert len(index) == len(kept)
    for title in ("停水", "滨江路塌陷"):
        found = {one.order_id for one in index.find(item("q", title), limit=50, now=NOW)}
        assert found <= kept.keys()
        assert {one for one, said in kept.items() if said == title} <= found


def test_ages_are_told_in_words() -> None:
    assert [ago(5), ago(300), ago(2 * HOUR), ago(50 * HOUR), ago(100 * 24 * HOUR)] == [
        "刚刚", "5分钟前", "2小时前", "2天前", "3个月前",
    ]  # fmt: skip
