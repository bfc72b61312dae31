"""`hotline asr compose | adapt | models`: the model's search graph, made ready on this machine."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from asr.adapt import adapt as adapt_model
from asr.adapt_store import ACTIVE, read_seal, versions
from asr.adapt_store import back as go_back
from asr.fetch import Progress
from asr.gazetteer_file import load_entries
from asr.graph import compose as compose_graph
from asr.graph import composed_beside, halves_of, is_composed_of
from asr.model import FoundModel, find_model
from asterisk_conf import debs
from asterisk_conf.errors import ProvideError
from cti.asrwords import OwnWords, material, own_words, read_texts
from cti.database import current_revision, head_revision, open_engine
from cti.errors import StartError
from cti.gazetteeradmin import city_file
from cti.learning import folder_of, taxonomy_of
from cti.settings import Settings

PACKAGES = ("libfst-tools", "libfst22-plugins-base")
"""OpenFst's programs, and the plugins that read n-gram and look-ahead graphs (Debian's names)."""


class _Tools:
    """OpenFst from an unpacked tree, with its plugins where its programs look for them."""

    def __init__(self, tree: debs.Tree) -> None:
        self._tree = tree

    def command(self, program: str) -> list[str]:
        return self._tree.command(program)

    def env(self) -> Mapping[str, str]:
        env = self._tree.env()
        plugins = sorted({str(file.parent) for file in self._tree.root.glob("usr/lib/*/fst/*/ngram-fst.so")})
        return env | {"LD_LIBRARY_PATH": ":".join([*plugins, env.get("LD_LIBRARY_PATH", "")])}


def act(
    settings: Settings,
    options: argparse.Namespace,
    *,
    say: Callable[[object], None],
    tell: Callable[[str], None],
) -> int:
    """Do what the command line `hotline asr` asks for beside running; return the exit status.

    Raises:
        AsrError, StartError: see the functions below.
    """
    if options.action == "compose":
        return compose(settings, say=say, tell=tell)
    if options.action == "models":
        return models(settings, say=say, tell=tell)
    if options.back:
        return back(settings, say=say, tell=tell)
    return adapt(
        settings,
        gazetteer=options.gazetteer,
        text=options.text,
        out=options.out,
        force=options.force,
        say=say,
        tell=tell,
    )


def compose(settings: Settings, *, say: Callable[[object], None], tell: Callable[[str], None]) -> int:
    """Compose the graph of the model in use; return the exit status.

    Raises:
        AsrError: there is no model, or its graph cannot be composed here.
        StartError: OpenFst's programs cannot be had.
    """
    model = _plain(settings, tell)
    target = compose_graph(model, _tools(settings), _progress(tell))
    if settings.recognition.model and _found(settings, tell).path.resolve() != target.resolve():
        say(f"已合成 {target}；将设置 recognition.model 改为它并重启 hotline asr 后才会使用")
    else:
        say(f"已合成 {target}；正在运行的 hotline asr 会自动换用")
    return 0


def adapt(
    settings: Settings,
    *,
    gazetteer: Path | None,
    text: Path | None,
    out: Path | None,
    force: bool,
    say: Callable[[object], None],
    tell: Callable[[str], None],
) -> int:
    """Adapt the model to the city; return the exit status.

    With `out`, only from `gazetteer` and `text` and into that folder; else also from the hotline's own
    taxonomy, units, knowledge articles and submitted orders, and running recognisers take it up.

    Raises:
        AsrError: there is no model, the files are not as they should be, or the model cannot be adapted here.
        StartError: OpenFst's programs cannot be had.
        TextsRefused: `text` cannot be used.
    """
    model = _plain(settings, tell)
    city = gazetteer or city_file(settings)
    entries = load_entries(city)
    texts = read_texts(text) if text is not None else ()
    own, taxonomy = OwnWords(), None
    if out is None:
        own, taxonomy = asyncio.run(_own(settings)), taxonomy_of(folder_of(settings))
        tell(
            f"地名 {len(entries)} 个，已提交工单 {len(own.texts)} 件，知识问句 {len(own.questions)} 条，"
            f"单位 {len(own.units) or '（随附）'}，另有文本 {len(texts)} 行"
        )
    own = replace(own, texts=(*own.texts, *texts))
    if not entries:
        tell(f"{city} 中没有地名：只用通用的热线说法调整模型")
    folder, made = adapt_model(
        model,
        _tools(settings),
        material(entries, own, taxonomy=taxonomy),
        _progress(tell),
        now=time.time(),
        out=None if out is None else out.expanduser().absolute(),
        force=force,
    )
    say(
        f"已生成 {folder}：地名 {made.names} 个，自有文本 {made.texts} 句，共学习 {made.sentences} 句"
        + (f"，{made.skipped} 句含模型没有的字而略过" if made.skipped else "")
    )
    say(
        f"每字信息量（比特，越小越好）：本市语句 {made.before.city:.2f} → {made.after.city:.2f}，"
        f"一般语句 {made.before.general:.2f} → {made.after.general:.2f}"
    )
    if out is not None:
        say(f"使用：hotline transcribe --model {folder} 文件.wav")
    elif settings.recognition.model:
        link = folder.parent / ACTIVE
        say(f"设置 recognition.model 指定了另一模型；改为 {link} 并重启 hotline asr 后才会使用")
    else:
        say("正在运行的 hotline asr 会自动换用；hotline asr adapt --back 恢复之前的模型")
    return 0


def back(settings: Settings, *, say: Callable[[object], None], tell: Callable[[str], None]) -> int:
    """Use the model from before the adapted one that is in use; return the exit status.

    Raises:
        AsrError: there is no model, or no adapted one is in use.
    """
    before = go_back(_plain(settings, tell))
    say(
        f"已恢复到{f'调整过的模型 {before}' if before else '未调整的模型'}；正在运行的 hotline asr 会自动换用"
    )
    return 0


def models(settings: Settings, *, say: Callable[[object], None], tell: Callable[[str], None]) -> int:
    """List the models on this machine and mark the one in use; return the exit status.

    Raises:
        AsrError: there is no model.
    """
    model = _plain(settings, tell)
    used = _found(settings, tell).path.resolve()
    listed = [(model, "随语音边识别边合成")]
    if is_composed_of(composed_beside(model), model):
        listed.append((composed_beside(model), "识别图已合成"))
    for folder in versions(model).values():
        if (made := read_seal(folder)) is not None:
            day = datetime.fromtimestamp(made.made_at).astimezone().strftime("%Y-%m-%d %H:%M")
            gain = f"本市语句 {made.before.city:.2f} → {made.after.city:.2f} 比特/字"
            listed.append((folder, f"{day} 按本市用语调整：地名 {made.names} 个，{gain}"))
    for folder, what in listed:
        say(f"{'*' if folder.resolve() == used else ' '} {folder}  {what}")
    return 0


async def _own(settings: Settings) -> OwnWords:
    """What the hotline's own tables say; nothing where there is no database of this version yet."""
    engine = open_engine(settings.database)
    try:
        if await current_revision(engine) != head_revision():
            return OwnWords()
        return await own_words(engine)
    finally:
        await engine.dispose()


def _progress(tell: Callable[[str], None]) -> Progress:
    def progress(step: str, share: float | None) -> None:
        tell(step if share is None else f"{step} ({100 * share:.0f} %)")

    return progress


def _found(settings: Settings, tell: Callable[[str], None]) -> FoundModel:
    model = settings.recognition.model
    return find_model(Path(model) if model else None, settings.cache, progress=_progress(tell))


def _plain(settings: Settings, tell: Callable[[str], None]) -> Path:
    """The model of two halves that the one in use was composed of."""
    return halves_of(_found(settings, tell).path)


def _tools(settings: Settings) -> _Tools:
    try:
        return _Tools(debs.provide(PACKAGES, debs.HOST, settings.cache / "openfst"))
    except ProvideError as error:
        raise StartError("OpenFst", str(error), f"install {' and '.join(PACKAGES)}") from error
