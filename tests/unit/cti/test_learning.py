"""Learning from submitted orders: what is better on the newest comes into use, and one can go back."""

from __future__ import annotations

import argparse
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from asr.learned_train import Example
from asr.taxonomy import Taxonomy
from cti.database import migrate, open_engine
from cti.learnadmin import TaxonomyRefused, learn, taxonomy
from cti.learning import LearningRefused, ModelShelf, classifier_of, taxonomy_of
from cti.learning_check import problems
from cti.learning_nightly import NightlyLearning, due
from cti.learning_orders import Round, confirmed, sign_test
from cti.learning_orders import learn as learn_from
from cti.learning_round import RoundFailed, Task, in_a_process
from cti.learning_watch import LiveClassifier
from cti.metrics import Metrics
from cti.settings import LearningSettings, Settings
from orders.store import OrderStore

AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
KINDS = {
    ("甲组", "甲一"): ("小区停水了", "自来水发黄", "路灯不亮", "井盖丢了"),
    ("乙组", "乙一"): ("老板拖欠工资", "欠薪半年", "退休金没到账", "医保怎么报销"),
}
NAMES = "level1,level2\n甲组,甲一\n乙组,乙一\n"


@cache
def names() -> Taxonomy:
    return Taxonomy.of((f"row {number}", path, ()) for number, path in enumerate(KINDS, 1))


def sorted_orders(count: int, *, seed: int = 1, turned: bool = False) -> list[Example]:
    pick = random.Random(seed)
    found = []
    for number in range(count):
        path = pick.choice(tuple(KINDS))
        said = f"{pick.choice(('昨天', '最近', '今天'))}{number % 37}号楼{pick.choice(KINDS[path])}，请处理"
        other = next(one for one in KINDS if one != path)
        found.append(Example(title="", body=said, path=other if turned else path))
    return found


def test_too_few_orders_change_nothing(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)

    found = learn_from(sorted_orders(30), shelf, names(), at=AT, least=200)

    assert (found.replaced, found.orders, found.needed) == (False, 30, 200)
    assert shelf.versions() == []


def test_what_is_better_on_the_newest_orders_comes_into_use_and_what_is_not_does_not(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    good = sorted_orders(160)

    first = learn_from(good, shelf, names(), at=AT, least=100)
    again = learn_from(good, shelf, names(), at=AT + timedelta(days=1), least=100)
    # last month everything was sorted the other way round; the newest orders are as before
    worse = learn_from(
        [*sorted_orders(200, seed=2, turned=True), *sorted_orders(40, seed=3)],
        shelf, names(), at=AT + timedelta(days=2), least=100,
    )  # fmt: skip

    assert first.replaced
    assert first.right_after == first.held_out > first.right_before
    assert not again.replaced
    assert not worse.replaced
    assert worse.only_before > worse.only_after
    assert [version.active for version in shelf.versions()] == [True]


def test_going_back_uses_what_was_in_use_before(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    learned = learn_from(sorted_orders(160), shelf, names(), at=AT, least=100)

    assert shelf.active().version == learned.version
    assert shelf.back(at=AT.timestamp()) == ""
    assert shelf.model(names()) is None
    with pytest.raises(LearningRefused, match="nothing to go back to"):
        shelf.back(at=AT.timestamp())


def test_a_model_that_names_what_the_taxonomy_has_not_is_left_out(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    learn_from(sorted_orders(160), shelf, names(), at=AT, least=100)

    assert shelf.model(Taxonomy.of([("row 1", ("丙组",), ())])) is None
    assert shelf.model(names()) is not None


def test_a_broken_pointer_is_named(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    shelf.pointer.parent.mkdir(parents=True)
    shelf.pointer.write_text("{", "utf-8")

    with pytest.raises(LearningRefused, match=r"active\.json"):
        shelf.active()


@pytest.mark.parametrize(("wins", "losses", "chance"), [(0, 0, 1.0), (3, 0, 0.125), (5, 1, 7 / 64)])
def test_a_sign_test_counts_how_likely_chance_alone_wins_so_often(
    wins: int, losses: int, chance: float
) -> None:
    assert sign_test(wins, losses) == pytest.approx(chance)


# ---------------------------------------------------------------- orders


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    address = f"sqlite:///{tmp_path / 'orders.sqlite'}"
    await migrate(address)
    engine = open_engine(address)
    yield engine
    await engine.dispose()


async def submit(store: OrderStore, number: int, category: str) -> None:
    order = f"o{number}"
    await store.open_draft(f"c{number}", "13800000000", order_id=order)
    values = {
        "type": "投诉", "category": category, "title": f"第{number}件", "summary": "小区停水了",
        "phone": "13800000000", "urgency": "一般", "place": "和顺路",
    }  # fmt: skip
    for field, value in values.items():
        await store.edit(order, field, value, agent="lin")
    await store.submit(order, "lin", f"key{number}")


async def test_only_submitted_orders_teach_the_oldest_first_and_as_far_as_the_taxonomy_goes(
    engine: AsyncEngine,
) -> None:
    clock = iter(range(1, 1000))
    store = OrderStore(engine, clock=lambda: float(next(clock)))
    await submit(store, 1, "甲组/甲一/没有的")
    await submit(store, 2, "不存在的")
    await submit(store, 3, "乙组")
    await store.open_draft("c4", "13800000000", order_id="o4")
    await store.edit("o4", "category", "甲组", agent="lin")

    found = await confirmed(engine, names())

    assert [(one.title, one.path) for one in found] == [("第1件", ("甲组", "甲一")), ("第3件", ("乙组",))]


# ---------------------------------------------------------------- by hand


def settings_of(folder: Path) -> Settings:
    return Settings(home=folder / "home", cache=folder / "cache")


async def test_learning_by_hand_says_that_there_are_too_few_orders(tmp_path: Path) -> None:
    said: list[object] = []

    assert await learn(settings_of(tmp_path), argparse.Namespace(action="run"), said.append) == 0
    assert await learn(settings_of(tmp_path), argparse.Namespace(action="list"), said.append) == 0

    assert "至少需要 200 件" in str(said[0])
    assert "还没有学习所得的模型" in str(said[1])


def test_a_taxonomy_is_imported_whole_or_not_at_all(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(NAMES, "utf-8")
    bad.write_text(NAMES + "甲组,甲一\n", "utf-8")
    said: list[object] = []

    taxonomy(settings, argparse.Namespace(action="import", file=good), said.append)
    with pytest.raises(TaxonomyRefused, match=r"bad\.csv, row 4"):
        taxonomy(settings, argparse.Namespace(action="import", file=bad), said.append)

    assert taxonomy_of(settings.home).level1 == ("甲组", "乙组")
    taxonomy(settings, argparse.Namespace(action="show", level=2), said.append)
    assert said[-4:] == ["甲组", "  甲一", "乙组", "  乙一"]
    taxonomy(settings, argparse.Namespace(action="reset"), said.append)
    assert len(taxonomy_of(settings.home).level1) > 10


# ---------------------------------------------------------------- while serving


async def test_a_running_server_takes_up_taxonomy_and_model_and_refuses_broken_ones(tmp_path: Path) -> None:
    metrics = Metrics()
    live = LiveClassifier(tmp_path, metrics)
    (tmp_path / "taxonomy.csv").write_text(NAMES, "utf-8")
    learn_from(sorted_orders(160), ModelShelf(tmp_path), names(), at=AT, least=100)

    for _ in range(2):
        await live.look()

    assert live.guess("小区停水了")[0].path[0] == "甲组"
    assert live.version == ModelShelf(tmp_path).active().version

    (tmp_path / "taxonomy.csv").write_text(NAMES + "甲组,甲一\n", "utf-8")
    for _ in range(2):
        await live.look()

    assert live.guess("小区停水了")[0].path[0] == "甲组"
    assert metrics.refused.labels(part="categories")._value.get() == 1


def test_the_classifier_in_force_has_the_learned_model(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.csv").write_text(NAMES, "utf-8")
    learn_from(sorted_orders(160), ModelShelf(tmp_path), names(), at=AT, least=100)

    guess = classifier_of(tmp_path).guess("医保怎么报销")[0]

    assert guess.path == ("乙组", "乙一")
    assert guess.source.startswith("model:")


def test_nothing_is_wrong_where_nothing_was_brought_in_or_learned(tmp_path: Path) -> None:
    assert list(problems(tmp_path)) == []


def test_a_broken_taxonomy_is_told_with_file_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.csv").write_text("level1,level9\n甲组,x\n", "utf-8")

    (problem,) = problems(tmp_path)

    assert problem.fatal
    assert problem.value == str(tmp_path / "taxonomy.csv")
    assert "level9" in problem.remedy and "hotline taxonomy reset" in problem.remedy


def test_a_learned_model_of_other_names_or_a_broken_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.csv").write_text(NAMES, "utf-8")
    shelf = ModelShelf(tmp_path)
    learn_from(sorted_orders(160), shelf, names(), at=AT, least=100)
    assert list(problems(tmp_path)) == []

    (tmp_path / "taxonomy.csv").write_text("level1\n丙组\n", "utf-8")
    (other,) = problems(tmp_path)
    (tmp_path / "taxonomy.csv").unlink()
    shelf.pointer.write_text("{", "utf-8")
    (broken,) = problems(tmp_path)

    assert "train again with hotline learn" in other.remedy
    assert "active.json" in broken.remedy
    assert not other.fatal and not broken.fatal


CHINA_3 = datetime(2026, 11, 21, 19, tzinfo=UTC)  # 03:00 in China on the 22nd


@pytest.mark.parametrize(
    ("after", "last", "begins"),
    [
        (timedelta(minutes=-1), None, False),
        (timedelta(minutes=1), None, True),
        (timedelta(hours=3), None, False),
        (timedelta(minutes=30), timedelta(minutes=1), False),
        (timedelta(minutes=1), timedelta(days=-1), True),
    ],
)
def test_a_round_begins_once_a_night(after: timedelta, last: timedelta | None, begins: bool) -> None:
    assert due(CHINA_3 + after, "03:00", None if last is None else CHINA_3 + last) is begins


async def test_only_the_server_that_leads_learns() -> None:
    rounds: list[Round] = []
    leads = False

    async def one_round() -> Round:
        rounds.append(
            Round(
                orders=0, held_out=0, right_before=0, right_after=0, only_before=0, only_after=0,
                version="", replaced=False, needed=200,
            )
        )  # fmt: skip
        return rounds[-1]

    nightly = NightlyLearning(
        LearningSettings(), learn=one_round, leads=lambda: leads, clock=lambda: CHINA_3 + timedelta(minutes=1)
    )
    await nightly.look()
    leads = True
    await nightly.look()
    await nightly.look()

    assert len(rounds) == 1


async def test_a_round_runs_in_a_process_of_its_own(engine: AsyncEngine, tmp_path: Path) -> None:
    task = Task(f"sqlite:///{tmp_path / 'orders.sqlite'}", str(tmp_path), least=200, keep=10)

    found = await in_a_process(task)()

    assert (found.orders, found.needed, found.replaced) == (0, 200, False)


async def test_a_round_without_a_usable_taxonomy_says_why(engine: AsyncEngine, tmp_path: Path) -> None:
    (tmp_path / "taxonomy.csv").write_text(NAMES + "甲组,甲一\n", "utf-8")
    task = Task(f"sqlite:///{tmp_path / 'orders.sqlite'}", str(tmp_path), least=200, keep=10)

    with pytest.raises(RoundFailed, match="row 4"):
        await in_a_process(task)()
