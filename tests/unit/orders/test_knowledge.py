"""Articles of the knowledge base are read whole or not at all, and found by what a citizen asks."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from orders.knowledge import Article, KnowledgeIndex
from orders.knowledge_file import ArticlesWrong, read_articles

TODAY = datetime.date(2026, 3, 1)
SAMPLE = Path(__file__).parents[3] / "orders" / "data" / "knowledge_sample.yaml"


@pytest.fixture(scope="module")
def index() -> KnowledgeIndex:
    return KnowledgeIndex(read_articles(SAMPLE.read_text(encoding="utf-8"), "yaml"))


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("我的社保卡丢了，去哪里补", "社保卡丢了怎么补办"),
        ("那个我想问一下就是外地人办居住证都要带什么材料呀", "怎么办理居住证"),
        ("老板不发工资找谁", "被拖欠工资怎么投诉"),
        ("工地半夜还在施工吵得睡不着", "夜间施工噪音找谁管"),
        ("小区里面没电了", "家里停电了怎么报修"),
        ("暖气片一直是凉的", "暖气不热怎么办"),
        ("设保卡丢了怎么补办", "社保卡丢了怎么补办"),  # misheard
        ("社报卡挂失", "社保卡丢了怎么补办"),  # mistyped
        ("shebaoka", "社保卡丢了怎么补办"),
        ("bljzz", "怎么办理居住证"),
    ],
)
def test_the_article_that_answers_comes_first(index: KnowledgeIndex, asked: str, title: str) -> None:
    assert index.find(asked, today=TODAY)[0].title == title


def test_nothing_is_found_for_what_no_article_speaks_of(index: KnowledgeIndex) -> None:
    assert index.find("火星上有没有生命", today=TODAY) == ()
    assert index.find("", today=TODAY) == ()


def article(article_id: str = "a", **more: str) -> Article:
    return Article(article_id=article_id, question="春节加班工资怎么算", answer="三倍工资", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "found"),
    [("", "", 1), ("2026-03-01", "2026-03-01", 1), ("2026-03-02", "", 0), ("", "2026-02-28", 0)],
)
def test_only_articles_valid_on_the_day_are_found(valid_from: str, valid_until: str, found: int) -> None:
    index = KnowledgeIndex([article(valid_from=valid_from, valid_until=valid_until)])
    assert len(index.find("春节加班工资", today=TODAY)) == found


def test_articles_of_another_area_are_left_out() -> None:
    index = KnowledgeIndex([article("a", area="东城区"), article("b", area="西城区"), article("c")])
    found = {one.article_id for one in index.find("春节加班工资", today=TODAY, area="东城区")}
    assert found == {"a", "c"}


def test_a_newer_version_takes_the_place_of_the_one_before() -> None:
    index = KnowledgeIndex([article()])
    index.put(Article(article_id="a", question="产假有多少天", answer="158天", version=2))
    assert len(index) == 1
    assert index.find("春节加班工资", today=TODAY) == ()
    assert index.find("产假多少天", today=TODAY)[0].answer == "158天"
    index.drop("a")
    assert index.find("产假多少天", today=TODAY) == ()


def test_a_csv_with_every_column_is_read() -> None:
    text = (
        "\ufeffid,question,variants,answer,basis,unit,area,valid_from,valid_until\r\n"
        'k1,怎么办证,办证要什么;证件怎么办,"带身份证,当场办",条例,公安局,东城区,2026-01-01,2026-12-31\r\n'
    )
    (read,) = read_articles(text, "csv")
    assert read == Article(
        article_id="k1", question="怎么办证", variants=("办证要什么", "证件怎么办"), answer="带身份证,当场办",
        basis="条例", unit="公安局", area="东城区", valid_from="2026-01-01", valid_until="2026-12-31",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("question,answer\n怎么办证,\n", "csv", "第 2 行：缺少“答复”"),
        ("question,answer,x\n", "csv", "表头应为"),
        ("question,answer\na,b,c\n", "csv", "列数多于表头"),
        ("question,answer,valid_from\na,b,2026-02-30\n", "csv", "“生效日期”（valid_from）应写作"),
        ("id,question,answer\n1,a,b\n1,c,d\n", "csv", "编号“1”重复"),
        ("question,answer\n", "csv", "没有知识条目"),
        ("articles: 3", "yaml", "应有一个列表"),
        ("articles: [{question: a, answr: b}]", "yaml", "键应为"),
        ("articles: [", "yaml", "不是 YAML"),
        ("question,answer\n" + "长" * 201 + ",b\n", "csv", "“问题”（question）最多 200 个字"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_line(text: str, kind: str, said: str) -> None:
    with pytest.raises(ArticlesWrong, match=said):
        read_articles(text, kind)
