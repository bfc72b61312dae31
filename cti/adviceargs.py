"""What may follow `hotline units` and `hotline knowledge` on the command line; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def units(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline units`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    take = actions.add_parser("import", help="replace all units: CSV name,level,parent,duties,areas")
    rules = actions.add_parser(
        "rules", help="replace all rules: CSV category,district,street,unit,since,until"
    )
    for action in (take, rules):
        action.add_argument("file", type=Path)
        action.add_argument("--dry-run", action="store_true", help="check and count, write nothing")
    take.add_argument(
        "--leave-open",
        action="store_true",
        help="import although units that are no more have open orders; clerks dispatch those anew",
    )
    actions.add_parser("list", help="all units")
    advise = actions.add_parser("advise", help="which unit a matter would be given to, and why")
    advise.add_argument("text", help="what a citizen says")
    for name in ("--category", "--district", "--street"):
        advise.add_argument(name, default="")


def knowledge(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline knowledge`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    take = actions.add_parser("import", help="take articles in, those that changed as a new version")
    take.add_argument("file", type=Path, help="FILE.csv or FILE.yaml")
    take.add_argument("--dry-run", action="store_true", help="check and count, write nothing")
    find = actions.add_parser("find", help="what answers a question, in Chinese or pinyin")
    find.add_argument("text")
    find.add_argument("--area", default="", help="leave out articles of other areas")


def assessment(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline assessment`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("rebuild", help="make anew what orders are counted by, out of their events")
