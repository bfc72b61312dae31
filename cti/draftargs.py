"""What may follow `hotline draft` on the command line; imports nothing heavy."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

MOST_SIMILAR = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may follow `hotline draft`."""
    parser.add_argument("file", nargs="?", default="-", help="lines of JSON; - for standard input (default)")
    parser.add_argument(
        "--jsonl", action="store_true", help="one JSON object a line (the only form there is)"
    )
    parser.add_argument(
        "--now", type=_moment, metavar="ISO", help="when it was said, for 昨天 and 上周三 (default: now)"
    )
    parser.add_argument(
        "--gazetteer", type=Path, metavar="FILE", help="the city's names (default: the desk's)"
    )
    parser.add_argument(
        "--taxonomy",
        type=Path,
        metavar="FILE",
        help="CSV level1,level2,level3[,aliases] (default: the desk's)",
    )
    parser.add_argument(
        "--train", type=Path, metavar="FILE", help="JSONL title, body, level1[, level2, level3] to learn from"
    )
    parser.add_argument("--units", type=Path, metavar="FILE", help="CSV name,level,parent,duties,areas")
    parser.add_argument(
        "--similar",
        type=int,
        default=MOST_SIMILAR,
        metavar="N",
        help="similar lines named at most (0 to 100)",
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no ISO 8601 moment; write 2026-11-21T17:30:00+08:00"
        ) from None


BENCH_FILES = {
    "train": "text: JSONL title, body, level1 to learn from",
    "test": "text: the same to measure on",
    "labels": 'text: JSON {"groups": [[id, …], …]} of messages about the same event',
    "messages": "text: JSONL id, title, body, time that the labels speak of",
    "model": "text: folder of the speech model (default: the one in use)",
}
"""Files and folders that `hotline bench text` may be given."""


def bench(parser: argparse.ArgumentParser) -> None:
    """Say which files may follow `hotline bench text`."""
    for name, about in BENCH_FILES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=about)
