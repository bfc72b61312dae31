"""What may follow `hotline flows`, `policy` and `asr` on the command line; imports nothing heavy."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path


def flows(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline flows`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="every problem with file, line, key, value and remedy")
    check.add_argument("folder", nargs="?", type=Path, help="flows not in force yet (default: the settings')")
    actions.add_parser("list", help="flows and the called numbers that lead to them")
    drawing = actions.add_parser("draw", help="one SVG picture a flow")
    drawing.add_argument("flow", nargs="?", default="", help="only this one (default: all)")
    drawing.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    play = actions.add_parser("play", help="walk a flow without a telephone")
    play.add_argument("flow", nargs="?", default="", help="default: the one that --number leads to")
    play.add_argument("--number", default="12345", help="called number (default: 12345)")
    play.add_argument("--caller", default="13800000000", help="calling number")
    play.add_argument(
        "--at", type=datetime.datetime.fromisoformat, help="local time of the call (default: now)"
    )
    play.add_argument("--keys", default="", help="answers in order, separated by commas, e.g. 1,,5")


def policy(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline policy`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="is a policy right, and does it fit the flows")
    diff = actions.add_parser("diff", help="what a policy changes against the one in force")
    trial = actions.add_parser("try", help="whom a policy would ring, when and why: a dry run")
    for action in (check, diff, trial):
        action.add_argument("file", type=Path, help="the policy that is not in force yet")
    trial.add_argument("--cases", type=Path, help="agents and calls: YAML or .jsonl (default: shipped)")
    trial.add_argument("--json", action="store_true", help="one JSON object a case")


def asr(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline asr`."""
    parser.add_argument(
        "action",
        nargs="?",
        default="run",
        choices=("run", "compose", "adapt", "models"),
        help="run the workers (without a word, too); compose the model's graph: recognisers cost a third and "
        "stop growing; adapt the model to the city's own names and words; list the models on this machine",
    )
    adapt = parser.add_argument_group("adapt")
    adapt.add_argument("--gazetteer", type=Path, metavar="FILE", help="names: name,kind,parent[,lon,lat]")
    adapt.add_argument("--text", type=Path, metavar="FILE", help="sentences, one a line, or JSON lines")
    adapt.add_argument("--out", type=Path, metavar="DIR", help="write a model folder, change nothing else")
    adapt.add_argument("--force", action="store_true", help="replace the one in use though it scores better")
    adapt.add_argument("--back", action="store_true", help="use the model from before again")


def token(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline token`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token; it is told once")
    create.add_argument("--reason", default="", help="what it is for, kept in the trail")
    create.add_argument("name", help="which system, at most 24 characters")
    create.add_argument(
        "--scope", action="append", required=True, help="what it may do, e.g. calls:read; repeatable"
    )
    create.add_argument("--days", type=int, default=365, help="how long it is good; 0: until it is revoked")
    create.add_argument("--per-minute", type=int, default=600, help="requests (default: 600)")
    actions.add_parser("list", help="all tokens, with what they may do")
    revoke = actions.add_parser("revoke", help="let a token open nothing any more")
    revoke.add_argument("token_id", help="as the list says")
    revoke.add_argument("--reason", required=True, help="for the trail")


def clocks(parser: argparse.ArgumentParser) -> None:
    """`hotline clocks`: what it takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    rules = actions.add_parser("rules", help="say all rules in sentences")
    rules.set_defaults(action="rules")
    one = actions.add_parser("explain", help="say which limits an order would have, and why")
    one.add_argument("--type", default="", help="诉求类型, such as 咨询")
    one.add_argument("--category", default="", help="path of the category, such as 城乡建设/供水")
    one.add_argument("--urgency", default="", help="紧急程度, such as 一般 or 紧急")
    one.add_argument("--unit", default="", help="承办单位 that leads")
    one.add_argument("--channel", default="", help="phone, video, text, web or api")
    one.add_argument("--redo", action="store_true", help="in a later round (差评重办)")
    one.add_argument(
        "--at", default="", help='local time such as "2026-11-23 10:00" from which all is counted; now'
    )
