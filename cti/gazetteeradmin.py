"""`hotline gazetteer`: the city's names, from the official divisions and from files of one's own."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from asr.gazetteer_divisions import city_entries
from asr.gazetteer_file import Entry, GazetteerError, Kind, Row, Tree, load_entries, paths, tree_of
from asr.gazetteer_rows import read_rows, written
from cti.errors import HotlineError
from cti.settings import Settings

DEMO_CITY = Path(__file__).resolve().parent / "demo" / "city.yaml"
FILE = "gazetteer.csv"
"""The city's names in the home folder."""
MOST_SHOWN = 50
KINDS = {
    Kind.DISTRICT: "区县",
    Kind.STREET: "街道乡镇",
    Kind.COMMUNITY: "社区村",
    Kind.ESTATE: "小区",
    Kind.ROAD: "道路",
    Kind.ORGANISATION: "单位",
    Kind.LANDMARK: "地标",
}

Say = Callable[[object], None]


class GazetteerRefused(HotlineError):
    """Names cannot be taken in; the message tells every problem, with file, row, value and remedy."""


def city_file(settings: Settings) -> Path:
    """Return the file with the city's names: the one set, else the imported one, else the demo city's."""
    if settings.recognition.city:
        return Path(settings.recognition.city)
    own = settings.home / FILE
    return own if own.exists() else DEMO_CITY


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may follow `hotline gazetteer`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    take = actions.add_parser("import", help="take in official divisions and files of names")
    take.add_argument(
        "sources", nargs="*", metavar="CODE|FILE", help="a city's code (430100), or a CSV or YAML file"
    )
    take.add_argument("--city", action="append", default=[], metavar="CODE", help="code of the city")
    take.add_argument("--csv", action="append", default=[], type=Path, metavar="FILE", help="a file of names")
    take.add_argument("--fresh", action="store_true", help="forget what was imported before")
    take.add_argument("--dry-run", action="store_true", help="check and count only")
    take.add_argument("--out", type=Path, metavar="FILE", help="write here instead of into the home folder")
    listing = actions.add_parser("list", help="how many names there are; with --kind or --in, which")
    listing.add_argument("--kind", choices=[kind.value for kind in Kind], help="only names of this kind")
    listing.add_argument("--in", dest="inside", metavar="NAME", help="only what lies in it")
    finding = actions.add_parser("find", help="what is found in some words, also by their sound")
    finding.add_argument("name", help="a name, or a sentence")
    for action in (listing, finding):
        action.add_argument("--json", action="store_true", help="one JSON object a name")


def gazetteer(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Run one action; return the exit status.

    Raises:
        GazetteerRefused: a file or city code cannot be used; nothing was written.
    """
    try:
        if options.action == "import":
            return _import(settings, options, say)
        if options.action == "list":
            return _list(settings, options, say)
        return _find(settings, options, say)
    except GazetteerError as error:
        raise GazetteerRefused(str(error)) from error


# ---------------------------------------------------------------- taking in


def _import(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    codes = [*options.city, *(source for source in options.sources if source.isdigit())]
    files = [*(Path(source) for source in options.sources if not source.isdigit()), *options.csv]
    if not codes and not files:
        raise GazetteerRefused("nothing to import: give a city's code such as 430100, a CSV file, or both")
    target = options.out or settings.home / FILE
    before = () if options.fresh or not target.exists() else read_rows(target)
    rows = [*before, *_official(codes, say)]
    for file in files:
        rows += read_rows(file)
    tree = tree_of(rows, strict=True)
    entries = paths(tree)
    old = paths(tree_of(before)) if before else ()
    _tell(old, entries, say)
    text = written(entries)
    if options.dry_run:
        say("只检查，未写入")
        return 0
    if target.exists() and target.read_text("utf-8") == text:
        say(f"{target} 没有变化")
    else:
        _write(target, text)
        say(f"已写入 {target}；重启 hotline serve 后生效，识别模型用 hotline asr adapt 更新")
    if settings.recognition.city and Path(settings.recognition.city) != target:
        say(f"注意：设置 recognition.city 指定了 {settings.recognition.city}，导入的地名不会使用")
    return 0


def _official(codes: Sequence[str], say: Say) -> Iterator[Row]:
    for code in dict.fromkeys(codes):
        name, entries = city_entries(code)
        say(f"{name}（{code}）官方区划：{_counts(entries)}")
        for number, entry in enumerate(entries, start=1):
            yield Row(entry=entry, where=f"divisions of {code}: line {number}")


def _tell(old: Sequence[Entry], new: Sequence[Entry], say: Say) -> None:
    known = {(entry.name, entry.kind, entry.parents): entry for entry in old}
    now = {(entry.name, entry.kind, entry.parents): entry for entry in new}
    added = sum(key not in known for key in now)
    gone = sum(key not in now for key in known)
    changed = sum(key in known and known[key] != entry for key, entry in now.items())
    points = sum(entry.lon is not None for entry in new)
    say(f"共 {len(new)} 个地名：{_counts(new)}；有坐标的 {points} 个")
    say(f"新增 {added}，修改 {changed}，移除 {gone}")


def _counts(entries: Sequence[Entry]) -> str:
    count = Counter(entry.kind for entry in entries)
    return "，".join(f"{title} {count[kind]}" for kind, title in KINDS.items() if count[kind])


def _write(target: Path, text: str) -> None:
    """Put the file in place at once, so that nobody reads half of it."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


# ---------------------------------------------------------------- looking


def _list(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    file = city_file(settings)
    tree = tree_of(read_rows(file))
    if not (options.kind or options.inside):
        if options.json:
            count = Counter(entry.kind.value for entry in tree.entries)
            say(json.dumps({"file": str(file), "names": len(tree.entries), **count}, ensure_ascii=False))
        else:
            say(f"{file}：共 {len(tree.entries)} 个地名：{_counts(tree.entries)}")
        return 0
    chosen = [
        number
        for number, entry in enumerate(tree.entries)
        if (not options.kind or entry.kind == options.kind)
        and (not options.inside or options.inside in _all_above(tree, number))
    ]
    for number in chosen:
        say(_shown(tree, number, as_json=options.json))
    if not options.json:
        say(f"共 {len(chosen)} 个")
    return 0


def _find(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    from asr.gazetteer import Gazetteer

    entries = load_entries(city_file(settings))
    tree = tree_of([Row(entry=entry, where="gazetteer") for entry in entries])
    number_of = {(entry.name, entry.kind, entry.parents): n for n, entry in enumerate(tree.entries)}
    matches = Gazetteer(entries).find(options.name)
    for match in matches:
        for entry in (match.entry, *match.others):
            number = number_of[entry.name, entry.kind, entry.parents]
            say(_shown(tree, number, as_json=options.json, heard=match.heard, how=match.how.value))
    if matches:
        return 0
    parts = [n for n, entry in enumerate(tree.entries) if options.name in (entry.name, *entry.aliases)]
    parts = parts or [n for n, entry in enumerate(tree.entries) if options.name in entry.name]
    for number in parts[:MOST_SHOWN]:
        say(_shown(tree, number, as_json=options.json))
    if not parts and not options.json:
        say("没有找到")
    return 0 if parts else 1


def _all_above(tree: Tree, number: int) -> set[str]:
    found: set[str] = set()
    ahead = list(tree.above[number])
    while ahead:
        up = ahead.pop()
        found.add(tree.entries[up].name)
        ahead += tree.above[up]
    return found


def _path(tree: Tree, number: int) -> str:
    ups = tree.above[number]
    here = tree.entries[number].name
    return f"{'、'.join(_path(tree, up) for up in ups)} › {here}" if ups else here


def _shown(tree: Tree, number: int, *, as_json: bool, heard: str = "", how: str = "") -> str:
    entry = tree.entries[number]
    if as_json:
        told: dict[str, object] = {
            "name": entry.name,
            "kind": entry.kind.value,
            "parents": list(entry.parents),
            "aliases": list(entry.aliases),
        }
        if entry.lon is not None:
            told |= {"lon": entry.lon, "lat": entry.lat}
        if how:
            told |= {"heard": heard, "how": how}
        return json.dumps(told, ensure_ascii=False)
    point = "" if entry.lon is None else f"  {entry.lon:g},{entry.lat:g}"
    aliases = f"  又称 {'、'.join(entry.aliases)}" if entry.aliases else ""
    as_heard = f"  （{heard}：{_HOW[how]}）" if how else ""
    return f"{KINDS[entry.kind]}  {_path(tree, number)}{point}{aliases}{as_heard}"


_HOW = {"exact": "原字", "sound": "同音", "near": "近音"}
