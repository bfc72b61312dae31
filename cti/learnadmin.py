"""`hotline learn` and `hotline taxonomy`: what the machine knows of categories, from the terminal."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from asr.errors import AsrError
from asr.taxonomy import Taxonomy
from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.learning import TAXONOMIES, ModelShelf, folder_of, taxonomy_file, taxonomy_of
from cti.learning_orders import Round, learn_from_orders
from cti.settings import Settings

Say = Callable[[object], None]


class TaxonomyRefused(HotlineError):
    """A taxonomy cannot be used; the message names row, value and remedy."""


class LearningFailed(HotlineError):
    """Nothing was learned; the message says why."""


async def learn(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Learn now, list versions, or go back; return the exit status.

    Raises LearningFailed, LearningRefused.
    """
    shelf = ModelShelf(folder_of(settings), keep=settings.learning.keep)
    if options.action == "list":
        return _list(shelf, say)
    if options.action == "back":
        version = shelf.back(at=time.time())
        say(f"已退回到版本 {version}" if version else "已退回：不使用学习所得的模型")
        return 0
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(settings.database)
    engine = open_engine(settings.database)
    try:
        found = await learn_from_orders(
            engine,
            folder_of(settings),
            least=settings.learning.least_orders,
            keep=settings.learning.keep,
            tell=say,
        )
    except (AsrError, SQLAlchemyError) as error:
        raise LearningFailed(f"nothing was learned: {error}") from error
    finally:
        await engine.dispose()
    say(told(found))
    return 0


def told(found: Round) -> str:
    """Say in Chinese what a round came to."""
    if not found.version:
        return f"已提交且有分类的工单只有 {found.orders} 件，至少需要 {found.needed} 件；继续使用原有模型"
    compared = (
        f"最新 {found.held_out} 件工单的一级分类：原有 {found.right_before} 件正确，"
        f"新学 {found.right_after} 件正确"
        f"（只有新学对的 {found.only_after} 件，只有原有对的 {found.only_before} 件）"
    )
    if found.replaced:
        return f"{compared}；已启用新版本 {found.version}"
    return f"{compared}；没有明显变好，继续使用原有模型"


def _list(shelf: ModelShelf, say: Say) -> int:
    versions = shelf.versions()
    for one in versions:
        right = one.checked.get("right")
        share = "" if right is None else f"，留出部分一级正确率 {100 * right:.1f}%"
        mark = "（使用中）" if one.active else ""
        say(f"{one.version}  {one.trained_on} 件工单{share}{mark}")
    if not versions:
        say("还没有学习所得的模型；只按词语和例句判断分类")
    return 0


def taxonomy(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Import, check, show or reset the taxonomy; return the exit status. Raises TaxonomyRefused."""
    home = folder_of(settings)
    try:
        if options.action == "show":
            return _show(taxonomy_of(home), options.level, taxonomy_file(home), say)
        if options.action == "reset":
            _remove(home)
            say("已恢复为随产品提供的分类")
            return 0
        found = Taxonomy.load(options.file)
    except AsrError as error:
        raise TaxonomyRefused(str(error)) from error
    counts = [sum(node.level == level for node in found.nodes) for level in (1, 2, 3)]
    size = f"一级 {counts[0]} 个，二级 {counts[1]} 个，三级 {counts[2]} 个"
    if options.action == "check":
        say(f"分类没有问题：{size}")
        return 0
    _bring(options.file, home)
    say(f"已导入分类：{size}；运行中的服务几秒钟内启用")
    return 0


def _bring(file: Path, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    suffix = ".yaml" if file.suffix.lower() in (".yaml", ".yml") else ".csv"
    written = home / f"taxonomy{suffix}.new"
    written.write_bytes(file.read_bytes())
    written.replace(home / f"taxonomy{suffix}")
    for name in TAXONOMIES:
        if name != f"taxonomy{suffix}":
            (home / name).unlink(missing_ok=True)


def _remove(home: Path) -> None:
    for name in TAXONOMIES:
        (home / name).unlink(missing_ok=True)


def _show(found: Taxonomy, level: int, file: Path | None, say: Say) -> int:
    say(f"# {file if file is not None else '随产品提供的分类'}，版本 {found.version}")
    for node in found.nodes:
        if node.level <= level:
            other = f"（{'、'.join(node.aliases)}）" if node.aliases else ""
            say(f"{'  ' * (node.level - 1)}{node.name}{other}")
    return 0
