"""`hotline bench text`: how right and how fast drafts are, on one core, beside reading each call anew.

The measuring calls are read sentence by sentence, as live; the peer reads whole calls at once, new to it.
Then the same calls as they are heard: with the model in use (or --model) as live, and with plain Vosk.
Times are seconds of processor of the one thread, so that other work counts little. With --train and --test
(JSONL title, body, level1) the category before and after learning, with --labels and --messages the ranking
of similar orders. What is measured on one's own data stays there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from asr.classify import Classifier
from asr.draft import DraftExtractor, forget
from asr.draft_reading import Reading
from asr.draft_rules import DraftRules
from asr.errors import AsrError, NoModel
from asr.gazetteer import Gazetteer, load_entries
from asr.learned_train import Example, read_examples, train
from asr.model import SMALL_CN, FoundModel, find_model
from cti.bench import text_speech
from cti.bench.errors import BenchError
from cti.bench.host import machine
from cti.bench.options import Options
from cti.bench.result import Result
from cti.bench.similar import mean_average_precision, read_labels, timing
from cti.bench.text_calls import folder, last_readings, lines_of, read_calls, replay, scored
from cti.bench.text_speech import Hearing, Piece, heard_lines
from cti.draftlines import moment
from cti.launcher import Steps
from cti.settings import hotline_home
from orders.similar import SimilarItem

AIM_MS = 15.0
AIM_SIMILAR_MS = 5.0
SIMILAR = 100_000


def steps(options: Options) -> int:
    """How many steps it takes."""
    return 5 + (1 if options.train or options.test else 0)


def measure(options: Options, progress: Steps) -> Result:
    """Measure it. Raises BenchError when a file that was given cannot be used."""
    host = machine()
    progress.next("loading rules, names and categories")
    began = time.perf_counter()
    classifier = Classifier()
    _extractor(classifier)
    loading = time.perf_counter() - began
    calls, now = read_calls()
    progress.next(f"reading {len(calls)} calls sentence by sentence, {options.rounds} times")
    live: list[float] = []
    anew: list[float] = []
    ends: list[tuple[Reading, ...]] = []
    for _ in range(options.rounds):
        forget()
        ends, seconds = replay(_extractor(classifier), calls, now)
        live += seconds
        anew += [_anew(call, classifier, now) for call in calls]
    shares = scored(calls, ends).shares()
    heard = _recognised(options, classifier, calls, now, shares, progress)
    progress.next(f"asking for similar orders among {SIMILAR}")
    similar = timing(SIMILAR)
    details: dict[str, Any] = {
        "calls": len(calls),
        "right": shares,
        "update_ms": {"p50": _ms(live, 0.5), "p95": _ms(live, 0.95), "max": _ms(live, 1.0)},
        "updates": len(live),
        "recognised": heard,
        "load_s": round(loading, 2),
        "similar": {
            "orders": SIMILAR,
            "p50_ms": round(similar.find_p50_ms, 3),
            "p95_ms": round(similar.find_p95_ms, 3),
        },
    }
    if options.labels is not None:
        details["similar"]["map"] = _ranking(options)
    if options.train or options.test:
        progress.next("learning categories")
        details["level1"] = _level1(options, classifier, progress)
    p95 = _ms(live, 0.95)
    peer = _ms(anew, 0.95)
    met = p95 < AIM_MS and similar.find_p95_ms < AIM_SIMILAR_MS and not heard.get("too_much")
    return Result(
        name="text",
        value=p95,
        unit="ms a draft update (p95, one core)",
        aim=f"update p95 < {AIM_MS:g} ms, similar orders among {SIMILAR} p95 < {AIM_SIMILAR_MS:g} ms, "
        "of recognised calls no field more than 15 (street, place, detail, phone: 25) points less right",
        aim_met=met,
        peer=peer,
        ratio=round(p95 / peer, 3) if peer else 0.0,
        machine=host,
        details=details,
        lines=tuple(_lines(details)),
    )


def _extractor(classifier: Classifier) -> DraftExtractor:
    gazetteer = Gazetteer(load_entries(folder() / "gazetteer.csv"))
    return DraftExtractor(DraftRules.load(), gazetteer, classifier)


def _recognised(
    options: Options,
    classifier: Classifier,
    calls: Sequence[Mapping[str, Any]],
    now: datetime,
    clean: Mapping[str, float],
    progress: Steps,
) -> dict[str, Any]:
    """Return the shares of the calls as they are heard; why not, where there is no model."""
    cache = hotline_home() / "cache"
    try:
        used = find_model(None, cache, progress=lambda step, _: progress.detail(step))
        found = used if options.model is None else find_model(options.model, cache)
    except NoModel as error:
        if options.model is not None:
            raise BenchError(str(error)) from error
        return {"not_measured": str(error)}
    published = FoundModel(path=cache / "models" / SMALL_CN.name, source="cache", composed=False)
    audio = tuple(folder() / f"{call['id']}.wav" for call in calls)
    try:
        progress.next(f"hearing {len(calls)} calls as live")
        ours = text_speech.hotline(Hearing(model=found, audio=audio, gazetteer=folder() / "gazetteer.csv"))
        progress.next("the same with plain Vosk")
        plain = text_speech.plain(Hearing(model=published, audio=audio))
    except AsrError as error:
        raise BenchError(str(error)) from error
    shares = _shares_of(classifier, calls, ours, now)
    points = text_speech.lost(clean, shares)
    plain_shares = _shares_of(classifier, calls, plain, now)
    return {
        "model": _named(found),
        "right": shares,
        "points_lost": points,
        "too_much": text_speech.too_much(points),
        "plain": {"right": plain_shares, "points_lost": text_speech.lost(clean, plain_shares)},
    }


def _named(found: FoundModel) -> str:
    return found.path.name + ("" if found.composed else " (graph not composed)")


def _shares_of(
    classifier: Classifier,
    calls: Sequence[Mapping[str, Any]],
    heard: Sequence[Sequence[Piece]],
    now: datetime,
) -> dict[str, float]:
    lines = [heard_lines(call, pieces) for call, pieces in zip(calls, heard, strict=True)]
    return scored(calls, last_readings(_extractor(classifier), calls, lines, now)).shares()


def _anew(call: Mapping[str, Any], classifier: Classifier, now: datetime) -> float:
    """Return the seconds that it takes to read a whole call of which nothing is remembered."""
    extractor = _extractor(classifier)
    forget()
    lines = lines_of(call)
    began = time.thread_time()
    extractor.readings(lines, caller=str(call.get("caller", "")), now=now)
    return time.thread_time() - began


def _ms(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


def _level1(options: Options, classifier: Classifier, progress: Steps) -> dict[str, Any]:
    if options.test is None:
        raise BenchError("--train without --test: give --test FILE.jsonl to measure on")
    test = read_examples(options.test, classifier.taxonomy)
    if not test:
        raise BenchError(f"{options.test} has no messages; give lines with title, body, level1")
    found: dict[str, Any] = {"messages": len(test), "cold": _right(classifier, test)}
    if options.train is not None:
        examples = read_examples(options.train, classifier.taxonomy)
        model = train(
            examples,
            classifier.taxonomy,
            classifier.cold_chances,
            at=datetime.now(UTC),
            progress=progress.detail,
        )
        found |= {"learned_from": len(examples), "learned": _right(classifier.taught(model), test)}
    return found


class _Message(msgspec.Struct):
    id: str
    title: str = ""
    body: str = ""
    time: str = ""


def _ranking(options: Options) -> float:
    if options.labels is None or options.messages is None:
        raise BenchError("--labels without --messages: give --messages FILE.jsonl with id, title, body, time")
    labels = read_labels(options.labels)
    items: list[SimilarItem] = []
    try:
        for number, raw in enumerate(options.messages.read_bytes().splitlines(), 1):
            row = msgspec.json.decode(raw, type=_Message, strict=False)
            at = moment(row.time)
            items.append(
                SimilarItem(
                    order_id=row.id,
                    title=row.title,
                    text=row.body,
                    at=float(number) if at is None else at.timestamp(),
                )
            )
    except (OSError, msgspec.MsgspecError) as error:
        raise BenchError(
            f"{options.messages.name}: {error}; give lines with id, title, body, time"
        ) from error
    return round(mean_average_precision(items, labels), 4)


def _right(classifier: Classifier, test: Sequence[Example]) -> float:
    right = 0
    for example in test:
        guesses = classifier.guess(f"{example.title}\n{example.body}", limit=1)
        right += bool(guesses) and guesses[0].path[0] == example.path[0]
    return round(right / len(test), 4)


def _lines(details: dict[str, Any]) -> list[str]:
    update, similar = details["update_ms"], details["similar"]
    lines = [
        f"draft update: p50 {update['p50']} ms, p95 {update['p95']} ms, max {update['max']} ms "
        f"over {details['updates']}; loaded in {details['load_s']} s",
        f"similar among {similar['orders']}: p50 {similar['p50_ms']} ms, p95 {similar['p95_ms']} ms",
        "right on clean text: "
        + ", ".join(f"{name} {share:.2f}" for name, share in details["right"].items()),
    ]
    heard = details["recognised"]
    if "right" in heard:
        lines.append(
            f"field: clean, recognised with {heard['model']} (points lost), plain Vosk (points lost)"
        )
        lines += [
            f"  {name}: {share:.2f}, {heard['right'][name]:.2f} ({heard['points_lost'][name]:+.0f}), "
            f"{heard['plain']['right'][name]:.2f} ({heard['plain']['points_lost'][name]:+.0f})"
            for name, share in details["right"].items()
        ]
    else:
        lines.append(f"recognised calls not measured: {heard['not_measured']}")
    if "level1" in details:
        lines.append(f"level 1: {details['level1']}")
    return lines
