"""One trial of `hotline bench asr`: so many calls at once fed to a side in real time."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass, field

from asr.gazetteer import Gazetteer, load_entries
from asr.text_reader import TextReader
from cti.bench import host
from cti.bench.asr_audio import FRAME_S, Clip, plan_call
from cti.bench.asr_clips import Ends
from cti.bench.asr_feed import FedLeg, connect, feed, hang_up
from cti.bench.asr_score import TimedWord, delays, error_rate, quantiles
from cti.bench.asr_sides import HeardLeg, Plain, Side, Workers, memory_mb, new_tap, until
from cti.gazetteeradmin import DEMO_CITY

AIM_P95_MS = 800.0
END_S = 3.0
"""So soon after hanging up the last word must have been told."""
READY_S = 60.0
"""Plain Vosk may take so long to make its recognisers."""
LEAST_FOUND = 0.6
"""A side that has fewer of the words that were said heard too little for its delays to say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a side made of so many calls at once."""

    calls: int
    holds: bool  # in time, nothing skipped, all told soon after the end
    partial_ms: dict[str, float | None]  # word -> first shown
    final_ms: dict[str, float | None]  # word -> final
    sentence_ms: dict[str, float | None]  # last word of a sentence -> final
    words_found: float  # share of the words sent that have a delay
    shown_only_final: int  # words that no partial showed
    dropped_s: float  # audio skipped, all legs
    unfinished: int  # legs whose last word was not told within END_S
    cores: float  # processor seconds a second, all its processes
    cpu_ms_per_call_s: float  # processor milliseconds for a second of one call
    memory_mb: float  # of all its processes, shared pages once (PSS)
    processes: dict[str, float]  # memory of each, MiB
    feeder_late_ms: float  # how late the benchmark itself was with a frame, at worst
    load: float  # load average of the minute, at the end
    texts: dict[str, tuple[str, str]] = field(repr=False)  # leg -> said, heard


async def try_calls(side: Side, calls: int, seconds: float, clips: tuple[Clip, ...], ends: Ends) -> Trial:
    """Feed so many calls for so long and see what comes of it."""
    side.forget()
    plans = [leg for number in range(calls) for leg in plan_call(number, seconds, clips)]
    fed: list[FedLeg] = []
    try:
        for plan in plans:
            tap_id = new_tap()
            frames = plan.frames(seconds, always=not side.gaps)
            fed.append(await connect(plan, tap_id, await side.join(plan, tap_id), frames))
        await until(lambda: all(side.heard[leg.tap_id].ready for leg in fed), READY_S)
        pids = side.pids()
        before, begun = host.used_by(pids), time.monotonic()
        late = await feed(fed)
        memory = memory_mb(pids)
        took, after = time.monotonic() - begun, host.used_by(pids)
    finally:
        hang_up(fed)
    await until(lambda: all(side.heard[leg.tap_id].ended_at is not None for leg in fed), END_S)
    heard = {leg.tap_id: side.heard[leg.tap_id] for leg in fed}
    cores = sum(after[name].cpu_s - before[name].cpu_s for name in after) / took
    trial = _score(side, fed, heard, ends, calls, cores, memory, late)
    if isinstance(side, Plain):
        await _settle(side, fed)
    return trial


async def _settle(side: Plain, fed: list[FedLeg]) -> None:
    """What an overloaded peer still has waiting would slow the next trial: it is started afresh then."""
    if any(side.heard[leg.tap_id].ended_at is None for leg in fed):
        await side.stop()
        await side.start()


def _score(
    side: Side,
    fed: list[FedLeg],
    heard: dict[str, HeardLeg],
    ends: Ends,
    calls: int,
    cores: float,
    memory: dict[str, float],
    late: float,
) -> Trial:
    found = delays(
        (
            (_sent_words(leg, ends), [s for _, s in sorted(heard[leg.tap_id].sentences.items())])
            for leg in fed
        ),
        _reader().leg().partial if isinstance(side, Workers) else str,
    )
    partial_ms, final_ms = dict(quantiles(found.partial_s)), dict(quantiles(found.final_s))
    dropped = sum(leg.dropped_s for leg in heard.values()) + FRAME_S * sum(leg.refused for leg in fed)
    unfinished = sum(leg.ended_at is None for leg in heard.values())
    in_time = partial_ms["p95"] is not None and partial_ms["p95"] < AIM_P95_MS
    return Trial(
        calls=calls,
        holds=in_time and not dropped and not unfinished and found.found >= LEAST_FOUND,
        partial_ms=partial_ms,
        final_ms=final_ms,
        sentence_ms=dict(quantiles(found.sentence_s)),
        words_found=round(found.found, 3),
        shown_only_final=found.revised,
        dropped_s=round(dropped, 2),
        unfinished=unfinished,
        cores=round(cores, 3),
        cpu_ms_per_call_s=round(1000 * cores / calls, 1),
        memory_mb=round(sum(memory.values()), 1),
        processes=memory,
        feeder_late_ms=round(1000 * late, 1),
        load=round(host.machine().load_before, 2),
        texts={leg.plan.key: (leg.plan.text, heard[leg.tap_id].text) for leg in fed},
    )


@functools.cache
def _reader() -> TextReader:
    """What the workers read with: the demo's city, since the benchmark's settings name no other."""
    return TextReader(Gazetteer(load_entries(DEMO_CITY)))


def _sent_words(leg: FedLeg, ends: Ends) -> list[TimedWord]:
    """The words of a leg with the time at which the frame was sent that holds their end."""
    words = []
    for said in leg.plan.said:
        for text, end in ends[said.clip.name]:
            frame = min(math.ceil(round((said.at + end) / FRAME_S, 6)) - 1, len(leg.sent) - 1)
            words.append(TimedWord(text, leg.sent[max(frame, 0)]))
    return words


def errors(trial: Trial, calls: int) -> float:
    """Character error rate over the first calls of a trial."""
    return error_rate(pair for key, pair in trial.texts.items() if int(key.split("-")[0]) < calls)
