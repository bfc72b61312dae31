"""Files that an administrator edits while the server runs: noticed when they change and lie still again.

Times and sizes are compared first; contents are only read when one of those is different. What is half saved
is not looked at: a set counts as changed when two looks in a row see the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

MAX_READ = 2_000_000
"""bytes of one file that count for its mark; the loaders refuse larger ones unread"""


@dataclass(frozen=True, slots=True)
class FileMark:
    """What one file looked like."""

    path: str  # where
    size: int  # bytes
    modified_ns: int  # when it was written, as the file system says
    digest: str  # SHA-256 of its content


Marks = tuple[FileMark, ...]


def mark(paths: Iterable[Path], before: Marks = ()) -> Marks:
    """Look at files; one whose time and size are as `before` is not read again, one that is away left out."""
    known = {(one.path, one.size, one.modified_ns): one for one in before}
    seen = []
    for path in paths:
        try:
            stat = path.stat()
            found = known.get((str(path), stat.st_size, stat.st_mtime_ns))
            seen.append(found or FileMark(str(path), stat.st_size, stat.st_mtime_ns, _digest(path)))
        except OSError:
            continue  # gone, or not ours to read: the loader says so when it is needed
    return tuple(seen)


def contents(marks: Marks) -> tuple[tuple[str, str], ...]:
    """What the files say, whenever they were written."""
    return tuple((one.path, one.digest) for one in marks)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(MAX_READ)).hexdigest()


class FileWatch:
    """Says when a set of files has become something else than what was last judged."""

    def __init__(self, paths: Callable[[], Iterable[Path]]) -> None:
        """`paths` names the files that belong to the set; what they are at this moment counts as judged."""
        self._paths = paths
        self._last = mark(paths())
        self._judged = contents(self._last)

    def look(self) -> bool:
        """Look once (reads files: not on the event loop); True: changed, and the same as the look before."""
        before, self._last = self._last, mark(self._paths(), self._last)
        now = contents(self._last)
        return now == contents(before) and now != self._judged

    def judge(self) -> None:
        """What was seen last has been loaded or refused, and is not told of again."""
        self._judged = contents(self._last)

    def forget(self) -> None:
        """Something that the judgement depended on is different: the next look tells of the set again."""
        self._judged = ()
