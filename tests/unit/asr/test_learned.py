"""What people sorted teaches the classifier, little of it does no harm, and nothing of it is executed."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from asr.classify import Classifier
from asr.learned import ABOUT, ARRAYS, LearnedModel, LearnedModelError
from asr.learned_noise import Noise
from asr.learned_pieces import pieces_of
from asr.learned_train import Example, TrainingError, read_examples, train
from asr.taxonomy import Taxonomy

AT = datetime(2026, 11, 22, tzinfo=UTC)
KINDS = {
    ("甲组", "甲一"): ("小区停水了", "自来水发黄", "水费太高", "水管爆了"),
    ("甲组", "甲二"): ("路灯不亮", "井盖丢了", "路面塌了", "人行道砖翘了"),
    ("乙组", "乙一"): ("老板拖欠工资", "工地不发工钱", "欠薪半年", "讨薪没人管"),
    ("乙组", "乙二"): ("社保断缴怎么补", "退休金没到账", "医保报销比例", "失业金怎么领"),
}
PLACES = ("和顺路", "阳光花园", "东风街", "建设村", "翠湖小区", "火车站旁", "第三中学门口")
WHEN = ("昨天", "上个月", "今天早上", "一直", "最近", "已经半年了")


def taxonomy() -> Taxonomy:
    return Taxonomy.of((f"row {number}", path, ()) for number, path in enumerate(KINDS, 1))


@cache
def cold() -> Classifier:
    return Classifier(taxonomy())


def messages(count: int, seed: int = 1, only: str = "") -> list[Example]:
    pick = random.Random(seed)
    paths = [path for path in KINDS if path[0].startswith(only)]
    found = []
    for _ in range(count):
        path = pick.choice(paths)
        said = f"{pick.choice(WHEN)}{pick.choice(PLACES)}这边{pick.choice(KINDS[path])}，请尽快处理，谢谢"
        found.append(Example(title="", body=said, path=path))
    return found


@cache
def model() -> LearnedModel:
    return train(messages(160), taxonomy(), cold().cold_chances, at=AT)


def right(classifier: Classifier, examples: list[Example], levels: int = 1) -> float:
    hits = 0
    for one in examples:
        guess = classifier.guess(one.body)
        hits += bool(guess) and guess[0].path[:levels] == one.path[:levels]
    return hits / len(examples)


def test_names_that_say_nothing_are_learned_from_messages() -> None:
    asked = messages(60, seed=9)
    taught = cold().taught(model())

    assert right(cold(), asked) < 0.8
    assert right(taught, asked) == 1.0
    assert right(taught, asked, levels=2) >= 0.95
    assert taught.guess(asked[0].body)[0].source == f"model:{model().about.version}"


def test_misheard_words_are_still_understood() -> None:
    noise = Noise(one.body for one in messages(160))
    asked = [
        Example(title="", body=noise.misheard(one.body, 0.15), path=one.path) for one in messages(60, seed=9)
    ]

    assert right(cold().taught(model()), asked) >= 0.9


def test_a_stored_model_says_the_same(tmp_path: Path) -> None:
    model().save(tmp_path / "m")
    loaded = LearnedModel.load(tmp_path / "m")
    asked = messages(1, seed=4)[0].body
    first, second = model().judge(asked), loaded.judge(asked)

    assert first is not None and second is not None
    assert np.allclose(first.tops, second.tops, atol=0.01)
    assert loaded.about.version == model().about.version


def test_messages_of_one_name_do_not_blind_it_to_the_others() -> None:
    wanted = Taxonomy.of(
        [("row 1", ("供水供电",), ("自来水", "停水")), ("row 2", ("劳动工资",), ("拖欠工资",))]
    )
    own = Classifier(wanted)
    narrow = [Example(title="", body=one.body, path=("供水供电",)) for one in messages(40, only="甲")]
    taught = own.taught(train(narrow, wanted, own.cold_chances, at=AT))

    assert taught.guess("包工头拖欠农民工工资")[0].path == ("劳动工资",)


def test_too_few_messages_teach_nothing() -> None:
    with pytest.raises(TrainingError, match="5 messages with a category; at least 20"):
        train(messages(5), taxonomy(), cold().cold_chances, at=AT)


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    model().save(tmp_path)
    (tmp_path / ARRAYS).write_bytes((tmp_path / ARRAYS).read_bytes()[:-1] + b"x")

    with pytest.raises(LearnedModelError, match="is not the file it was"):
        LearnedModel.load(tmp_path)


def test_a_model_whose_parts_do_not_fit_is_refused(tmp_path: Path) -> None:
    model().save(tmp_path)
    about = json.loads((tmp_path / ABOUT).read_text("utf-8"))
    about["tops"] = ["甲组"]
    (tmp_path / ABOUT).write_text(json.dumps(about), "utf-8")

    with pytest.raises(LearnedModelError, match="do not fit together"):
        LearnedModel.load(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnedModelError, match="cannot be read"):
        LearnedModel.load(tmp_path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            '{"title": "停水", "body": "没水", "level1": "丙组"}',
            "line 2: level1 is '丙组'; the taxonomy has 甲组、乙组",
        ),
        ('{"title": "", "body": " ", "level1": "甲组"}', "line 2: title and body are empty"),
        ('{"title": "停水"}', "line 2"),
        ("停水", "line 2"),
    ],
)
def test_a_wrong_line_is_refused_naming_it(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(
        '{"title": "停水", "body": "小区没水", "level1": "甲组", "level2": "甲一"}\n' + line + "\n", "utf-8"
    )

    with pytest.raises(TrainingError) as caught:
        read_examples(file, taxonomy())

    assert told in str(caught.value)


def test_words_with_blanks_between_teach_as_the_text_does(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"tokens": "小区 停水 A3 区", "level1": "甲组"}\n', "utf-8")

    (example,) = read_examples(file, taxonomy())

    assert example.body == "小区停水 A3 区"
    assert pieces_of("小区 停水") == pieces_of("小区停水")


def test_messages_without_a_word_teach_nothing() -> None:
    empty = [Example(title="", body="123 456", path=("甲组",)) for _ in range(30)]

    with pytest.raises(TrainingError, match="30 messages without a word"):
        train(empty, taxonomy(), cold().cold_chances, at=AT)


def test_a_model_of_an_older_form_is_refused(tmp_path: Path) -> None:
    replace(model(), about=replace(model().about, form=1)).save(tmp_path)

    with pytest.raises(LearnedModelError, match="train again"):
        LearnedModel.load(tmp_path)


def test_spoken_training_text_has_no_formal_opening() -> None:
    noise = Noise(["小区停水"])

    said = noise.spoken("", "尊敬的市长：您好！我是阳光小区业主，我们小区停水三天了。", 80)

    assert "尊敬的" not in said
    assert "停水" in said
