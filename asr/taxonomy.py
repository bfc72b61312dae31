"""The taxonomy (事项分类): names on three levels, the ones that come with the product or a city's own."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from asr.draft_rules import as_text
from asr.errors import AsrError

MAX_LEVELS = 3
MAX_NODES = 20_000
MAX_BYTES = 5_000_000
MAX_NAME = 40
MAX_ALIASES = 40
OTHER = "其他"
"""Beginning of the name of what fits nowhere else; such nodes are never told apart by their names."""

COLUMNS = ("level1", "level2", "level3", "aliases")
_SEPARATORS = ("|", "；", ";", "、")


class TaxonomyError(AsrError):
    """A taxonomy is not as it should be; the text names file, row or key, value and remedy."""


@dataclass(frozen=True, slots=True)
class Node:
    """One name of the taxonomy with those above it."""

    path: tuple[str, ...]  # level 1 to the node's own level
    aliases: tuple[str, ...] = ()  # other words for the same

    @property
    def name(self) -> str:
        """The node's own name."""
        return self.path[-1]

    @property
    def level(self) -> int:
        """1, 2 or 3."""
        return len(self.path)


@dataclass(frozen=True)
class Taxonomy:
    """Names on three levels; every node stands behind the one above it."""

    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> Taxonomy:
        """Build one from (where it stands, path, aliases); levels above that are not listed are added.

        Raises TaxonomyError: nothing listed, listed twice, too many, or a name that is below itself.
        """
        listed: dict[tuple[str, ...], str] = {}
        aliases: dict[tuple[str, ...], tuple[str, ...]] = {}
        for where, names, other in entries:
            path = _path(where, names)
            if path in listed:
                raise TaxonomyError(
                    f"{where}: {'/'.join(path)} already stands in {listed[path]}; keep one of them"
                )
            listed[path] = where
            for length in range(1, len(path) + 1):
                aliases.setdefault(path[:length], ())
            aliases[path] = _aliases(where, other)
            if len(aliases) > MAX_NODES:
                raise TaxonomyError(f"{where}: more than {MAX_NODES} names; import fewer")
        if not aliases:
            raise TaxonomyError("the taxonomy is empty; give at least one row with level1")
        _refuse_cycles(listed)
        return cls(tuple(Node(path, other) for path, other in _in_order(aliases)))

    @classmethod
    def load(cls, path: Path) -> Taxonomy:
        """Read a .csv (level1,level2,level3[,aliases]) or .yaml file.

        YAML: a list of {name, aliases, children}, at most three deep. Raises TaxonomyError.
        """
        try:
            if path.stat().st_size > MAX_BYTES:
                raise TaxonomyError(
                    f"{path}: {path.stat().st_size} bytes, at most {MAX_BYTES}; import a smaller file"
                )
            raw = path.read_bytes()
        except OSError as error:
            raise TaxonomyError(f"{path}: cannot be read ({error.strerror}); give a readable file") from error
        text = _decoded(path.name, raw)
        read = from_yaml if path.suffix.lower() in (".yaml", ".yml") else from_csv
        return cls.of(read(path.name, text))

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits of all names; the same names give the same version."""
        text = "\n".join("\t".join((*node.path, "", *node.aliases)) for node in self.nodes)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def level1(self) -> tuple[str, ...]:
        """The names of level 1 in the file's order."""
        return tuple(node.name for node in self.nodes if node.level == 1)

    @cached_property
    def _by_path(self) -> Mapping[tuple[str, ...], Node]:
        return {node.path: node for node in self.nodes}

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        """Nodes with nothing below them."""
        above = {node.path[:-1] for node in self.nodes}
        return tuple(node for node in self.nodes if node.path not in above)

    def find(self, path: Sequence[str]) -> Node | None:
        """Return the node of that path, None when there is none."""
        return self._by_path.get(tuple(path))

    def closest(self, path: Sequence[str]) -> tuple[str, ...]:
        """Return the longest beginning of a path that the taxonomy has, () when not even level 1 is known."""
        known = tuple(path[:MAX_LEVELS])
        while known and known not in self._by_path:
            known = known[:-1]
        return known


def from_csv(name: str, text: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield (where, path, aliases) of the rows. Raises TaxonomyError."""
    reader = csv.reader(io.StringIO(text))
    header: Sequence[str] | None = None
    while header is None:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise TaxonomyError(
                f"{name}, row {reader.line_num}: not CSV ({error}); mend the quotes"
            ) from error
        if row is None:
            if header is None:
                raise TaxonomyError(f"{name}: empty; the first row is level1,level2,level3[,aliases]")
            return
        if not any(cell.strip() for cell in row):
            continue
        header = [cell.strip().lower() for cell in row]
    unknown = [cell for cell in header if cell not in COLUMNS]
    if unknown or "level1" not in header or len(set(header)) != len(header):
        raise TaxonomyError(
            f"{name}, row {reader.line_num}: the columns are {','.join(header)!r}; "
            "write level1,level2,level3[,aliases]"
        )
    try:
        for row in reader:
            where = f"{name}, row {reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header):
                raise TaxonomyError(
                    f"{where}: {len(row)} values for {len(header)} columns, the first too many is "
                    f"{row[len(header)][:MAX_NAME]!r}; at most three levels, aliases parted by |"
                )
            cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
            yield where, _levels(where, cells), _split(cells.get("aliases", ""))
    except csv.Error as error:
        raise _not_csv(name, reader.line_num, error) from error


def _not_csv(name: str, row: int, error: csv.Error) -> TaxonomyError:
    return TaxonomyError(f"{name}, row {row}: not CSV ({error}); mend the quotes")


def _levels(where: str, cells: Mapping[str, str]) -> tuple[str, ...]:
    names = [cells.get(column, "") for column in COLUMNS[:MAX_LEVELS]]
    while names and not names[-1]:
        names.pop()
    for column, value in zip(COLUMNS, names, strict=False):
        if not value:
            raise TaxonomyError(
                f"{where}: {column} is '' and a deeper level is {names[-1]!r}; name every level above it"
            )
    if not names:
        raise TaxonomyError(f"{where}: level1 is ''; give it a name or remove the row")
    return tuple(names)


def _split(value: str) -> tuple[str, ...]:
    for separator in _SEPARATORS[1:]:
        value = value.replace(separator, _SEPARATORS[0])
    return tuple(part.strip() for part in value.split(_SEPARATORS[0]) if part.strip())


def from_yaml(name: str, text: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield (where, path, aliases) of a list of {name, aliases, children}. Raises TaxonomyError."""
    try:
        document = load_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise TaxonomyError(f"{name}: not YAML ({error}); mend the syntax") from error
    if not isinstance(document, list):
        raise TaxonomyError(f"{name}: the file is {str(document)[:40]!r}; write a list of names")
    yield from _below(name, "", document, (), ())


def _below(
    name: str, key: str, items: list[object], path: tuple[str, ...], above: tuple[int, ...]
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    if id(items) in above:
        raise TaxonomyError(f"{name}: {key} ({'/'.join(path)}) contains itself; break the cycle")
    if items and len(path) >= MAX_LEVELS:
        raise TaxonomyError(
            f"{name}: {key} is below {'/'.join(path)}, on level {len(path) + 1}; "
            f"there are at most {MAX_LEVELS} levels"
        )
    for index, item in enumerate(items):
        own = f"{key}[{index}]"
        if isinstance(item, str):
            item = {"name": item}
        if not isinstance(item, dict):
            raise TaxonomyError(f"{name}: {own} is {str(item)[:40]!r}; write a mapping with name")
        for found in item:
            if found not in ("name", "aliases", "children"):
                raise TaxonomyError(
                    f"{name}: {own} has the key {found!r}; known keys are name, aliases, children"
                )
        label = item.get("name")
        if not isinstance(label, str) or not label.strip():
            raise TaxonomyError(f"{name}: {own}.name is {label!r}; give it a name in quotes")
        children = item.get("children") or []
        aliases = item.get("aliases") or []
        for part, value in (("children", children), ("aliases", aliases)):
            if not isinstance(value, list):
                raise TaxonomyError(f"{name}: {own}.{part} is {str(value)[:40]!r}; write a list")
        down = (*path, label.strip())
        if not all(isinstance(alias, str) for alias in aliases):
            raise TaxonomyError(f"{name}: {own}.aliases is {str(aliases)[:40]!r}; write words")
        yield f"{name}: {own}", down, tuple(str(alias).strip() for alias in aliases)
        yield from _below(name, f"{own}.children", children, down, (*above, id(items)))


def load_yaml(text: str) -> object:
    """Return what a YAML text holds, read by the fast parser. Raises yaml.YAMLError and RecursionError."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _path(where: str, names: Sequence[str]) -> tuple[str, ...]:
    if not 1 <= len(names) <= MAX_LEVELS:
        raise TaxonomyError(f"{where}: {len(names)} levels; there are at most {MAX_LEVELS}")
    path = tuple(_name(where, f"level{number}", value) for number, value in enumerate(names, 1))
    if len(path) == MAX_LEVELS and path[0] == path[2] != path[1]:
        raise TaxonomyError(f"{where}: {path[2]!r} (level3) is below itself ({'/'.join(path)}); rename it")
    return path


def _name(where: str, key: str, value: str) -> str:
    try:
        name = as_text(where, key, value, MAX_NAME)
    except AsrError as error:
        raise TaxonomyError(str(error)) from error
    if "/" in name or any(not character.isprintable() for character in name):
        raise TaxonomyError(f"{where}: {key} is {name!r}; leave out slashes and control characters")
    return name


def _aliases(where: str, aliases: Sequence[str]) -> tuple[str, ...]:
    if len(aliases) > MAX_ALIASES:
        raise TaxonomyError(f"{where}: {len(aliases)} aliases, at most {MAX_ALIASES}; keep the usual ones")
    return tuple(dict.fromkeys(_name(where, "aliases", alias) for alias in aliases))


def _refuse_cycles(listed: Mapping[tuple[str, ...], str]) -> None:
    """Refuse a name on level 1 or 2 that stands both above and below another."""
    above: dict[tuple[str, str], str] = {}
    for path, where in listed.items():
        for upper, lower in itertools.pairwise(path):
            if upper == lower or OTHER in (upper, lower):
                continue
            if (lower, upper) in above:
                raise TaxonomyError(
                    f"{where}: {lower!r} is below {upper!r}, and above it in {above[lower, upper]}; "
                    "break the cycle"
                )
            above.setdefault((upper, lower), where)


def _in_order(
    found: Mapping[tuple[str, ...], tuple[str, ...]],
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield what is below a node right behind it, in the order of the file."""
    children: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for path in found:
        children.setdefault(path[:-1], []).append(path)
    stack = list(reversed(children[()]))
    while stack:
        path = stack.pop()
        yield path, found[path]
        stack.extend(reversed(children.get(path, ())))


def _decoded(name: str, raw: bytes) -> str:
    """Return the text of a file in UTF-8 or, as spreadsheets save here, GB 18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TaxonomyError(f"{name}: neither UTF-8 nor GB 18030; save it as UTF-8")
