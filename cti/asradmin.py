"""`hotline asr compose`: the model's search graph, composed ahead of time on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from asr.graph import compose as compose_graph
from asr.model import find_model
from asterisk_conf import debs
from asterisk_conf.errors import ProvideError
from cti.errors import StartError
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


def compose(settings: Settings, *, say: Callable[[object], None], tell: Callable[[str], None]) -> int:
    """Compose the graph of the model in use; return the exit status.

    Raises:
        AsrError: there is no model, or its graph cannot be composed here.
        StartError: OpenFst's programs cannot be had.
    """

    def progress(step: str, share: float | None) -> None:
        tell(step if share is None else f"{step} ({100 * share:.0f} %)")

    model = settings.recognition.model
    found = find_model(Path(model) if model else None, settings.cache, progress=progress)
    if found.composed:
        say(f"模型 {found.path} 的识别图已经合成")
        return 0
    try:
        tree = debs.provide(PACKAGES, debs.HOST, settings.cache / "openfst")
    except ProvideError as error:
        raise StartError("OpenFst", str(error), f"install {' and '.join(PACKAGES)}") from error
    target = compose_graph(found.path, _Tools(tree), progress)
    say(f"已合成 {target}；重启 hotline asr 后生效")
    return 0
