"""What citizens say of every matter: our own names, other names for it, cues, and example sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from asr.draft_rules import RulesError, as_list, as_mapping, as_text
from asr.taxonomy import MAX_LEVELS, MAX_NAME, Taxonomy, load_yaml

MAX_CUES = 200
MAX_CUE = 20
MAX_SENTENCES = 100
MAX_SENTENCE = 300
MAX_FILE = 2_000_000

HINT = "?"
"""Ends a cue that is said of other matters, too; it counts a third."""
SURE = "!"
"""Ends a short cue that is said of hardly any other matter; it counts as a long one."""

_KEYS = ("name", "aliases", "title", "cues", "says", "children")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One matter that citizens call about, on any level of our taxonomy."""

    path: tuple[str, ...]  # where our own taxonomy has it
    aliases: tuple[str, ...]  # how other taxonomies may call it
    title: str  # how a title calls it
    cues: tuple[str, ...]  # words that speak for it; * is a gap of up to eight characters
    sure: tuple[str, ...]  # short words that hardly speak for another
    hints: tuple[str, ...]  # words that speak for it and for others
    says: tuple[str, ...]  # how citizens tell it
    leaf: bool  # nothing is below it


def read_matters(name: str, text: str) -> Iterator[Matter]:
    """Yield the matters of one YAML file, every one behind the one above it. Raises RulesError."""
    if len(text) > MAX_FILE:
        raise RulesError(f"{name}: {len(text)} characters, at most {MAX_FILE}; split it")
    try:
        document = load_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise RulesError(f"{name}: not YAML ({error}); mend the syntax") from error
    yield from _below(name, "the file", as_list(name, "the file", document), ())


def _below(name: str, key: str, items: Sequence[object], above: tuple[str, ...]) -> Iterator[Matter]:
    if items and len(above) >= MAX_LEVELS:
        raise RulesError(f"{name}: {key} is on level {len(above) + 1}; there are at most {MAX_LEVELS} levels")
    for index, item in enumerate(items):
        own = f"{'/'.join(above) or key}[{index}]"
        found = as_mapping(name, own, item, _KEYS)
        path = (*above, as_text(name, f"{own}.name", found.get("name"), MAX_NAME))
        own = "/".join(path)
        words = _words(name, f"{own}.cues", found.get("cues"))
        children = as_list(name, f"{own}.children", found.get("children") or [])
        says = as_list(name, f"{own}.says", found.get("says") or [])
        if len(says) > MAX_SENTENCES:
            raise RulesError(f"{name}: {own}.says has {len(says)} sentences, at most {MAX_SENTENCES}")
        yield Matter(
            path=path,
            aliases=_words(name, f"{own}.aliases", found.get("aliases")),
            title=as_text(name, f"{own}.title", found.get("title", path[-1]), MAX_NAME),
            cues=tuple(word for word in words if not word.endswith((HINT, SURE))),
            sure=tuple(word[:-1] for word in words if word.endswith(SURE)),
            hints=tuple(word[:-1] for word in words if word.endswith(HINT)),
            says=tuple(as_text(name, f"{own}.says", sentence, MAX_SENTENCE) for sentence in says),
            leaf=not children,
        )
        yield from _below(name, own, children, path)


def _words(name: str, key: str, value: object) -> tuple[str, ...]:
    """Return words that stand in one text with blanks between."""
    if value is None:
        return ()
    if not isinstance(value, str):
        raise RulesError(f"{name}: {key} is {value!r}; write words with blanks between")
    words = tuple(dict.fromkeys(value.split()))
    if len(words) > MAX_CUES:
        raise RulesError(f"{name}: {key} has {len(words)} words, at most {MAX_CUES}; keep the usual ones")
    for word in words:
        bare = word.removesuffix(HINT).removesuffix(SURE)
        if len(word) > MAX_CUE or not bare or bare.startswith("*") or bare.endswith("*"):
            raise RulesError(
                f"{name}: {key} has {word!r}; at most {MAX_CUE} characters, and * only between words"
            )
    return words


def load_matters(folder: Path | Traversable) -> tuple[Matter, ...]:
    """Read every .yaml file of a folder. Raises RulesError: unreadable, wrong, or a matter twice."""
    found: dict[tuple[str, ...], Matter] = {}
    try:
        names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
        texts = [(name, (folder / name).read_text("utf-8")) for name in names]
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{folder}: cannot be read ({error}); give a folder of UTF-8 YAML files") from error
    for name, text in texts:
        for matter in read_matters(name, text):
            if matter.path in found:
                raise RulesError(f"{name}: {'/'.join(matter.path)} stands there twice; keep one")
            found[matter.path] = matter
    if not found:
        raise RulesError(f"{folder}: has no matters; give a folder of YAML files")
    return tuple(found.values())


@cache
def shipped_matters() -> tuple[Matter, ...]:
    """Return the matters that come with the product."""
    return load_matters(files("asr") / "data" / "examples")


@cache
def shipped_taxonomy() -> Taxonomy:
    """Return the taxonomy that comes with the product: the names of the shipped matters."""
    return taxonomy_of(shipped_matters())


def taxonomy_of(matters: Sequence[Matter]) -> Taxonomy:
    """Return the taxonomy that the matters themselves make up."""
    return Taxonomy.of((f"matter {index}", one.path, ()) for index, one in enumerate(matters, 1))


def titles(matters: Sequence[Matter]) -> Mapping[tuple[str, ...], str]:
    """Return how titles call the matters, by their paths."""
    return {matter.path: matter.title for matter in matters}
