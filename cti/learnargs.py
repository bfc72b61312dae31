"""What may follow `hotline learn` and `hotline taxonomy` on the command line; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def learn(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline learn`."""
    parser.add_argument(
        "action", nargs="?", choices=("run", "list", "back"), default="run",
        help="run: learn from submitted orders now (default); list: versions; back: use the one before",
    )  # fmt: skip


def taxonomy(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline taxonomy`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    bring = actions.add_parser("import", help="use a city's own names: level1,level2,level3[,aliases]")
    check = actions.add_parser("check", help="say what is wrong with a file, without using it")
    for action in (bring, check):
        action.add_argument("file", type=Path, help="CSV or YAML")
    show = actions.add_parser("show", help="print the names in force")
    show.add_argument("--level", type=int, choices=(1, 2, 3), default=3, help="down to which level")
    actions.add_parser("reset", help="use the names that come with the product again")
