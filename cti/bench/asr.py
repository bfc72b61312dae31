"""`hotline bench asr`: how many calls at once have captions in time here, beside plain Vosk.

Calls of two legs that take turns are fed in real time to the product's workers over AudioSocket, and
transcripts are read back from Valkey; plain Vosk gets both legs of the same calls without pause. The sides
take turns: each tries numbers of calls, upwards, for the largest at which 95 % of the words are shown 800 ms
after their end.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from asr.errors import NoModel
from asr.model import SMALL_CN, FoundModel, find_model
from cti.bench import host
from cti.bench.asr_audio import Clip, load_clips
from cti.bench.asr_clips import Ends, word_ends
from cti.bench.asr_sides import Plain, Side, Workers
from cti.bench.asr_trial import Trial, errors, try_calls
from cti.bench.errors import BenchError
from cti.bench.instance import temporary_home
from cti.bench.loopback import block
from cti.bench.options import Options
from cti.bench.result import Result
from cti.launcher import Steps
from cti.valkey import EmbeddedValkey

AIM_CALLS = 24
AIM_RATIO = 6.0
AIM_MEMORY_MB = 1.5e9 / 2**20
ERROR_NOISE = 0.005
"""Error rates that lie no further apart are the same: some ten characters of a few calls."""
PLAIN_FIRST = 4
MOST_TRIALS = {"hotline": 7, "plain": 5}


@dataclass(slots=True)
class Search:
    """Looks for the largest number of calls that holds: upwards by a third, then between."""

    number: int  # to try next
    step: float = 0.05  # as a share: closer is close enough
    trials: list[Trial] = field(default_factory=list)

    @property
    def best(self) -> Trial | None:
        """The largest that held, below the smallest that did not."""
        failed = min((trial.calls for trial in self.trials if not trial.holds), default=math.inf)
        held = [trial for trial in self.trials if trial.holds and trial.calls < failed]
        return max(held, key=lambda trial: trial.calls, default=None)

    def after(self, trial: Trial) -> None:
        """Take a trial in and choose the next number; 0: it is found."""
        self.trials.append(trial)
        low = self.best.calls if self.best else 0
        high = min((each.calls for each in self.trials if not each.holds), default=0)
        if not high:
            self.number = max(low + 1, round(low * 4 / 3))
        else:
            self.number = (low + high) // 2 if high - low > max(1, self.step * low) else 0


def steps(options: Options) -> int:
    """How many steps are told at most."""
    return 1 + options.rounds * sum(MOST_TRIALS.values())


def measure(options: Options, steps: Steps) -> Result:
    """Search on both sides, turn by turn.

    Raises:
        BenchError: there is no model on this machine, or a side did not start.
    """
    machine = host.machine()
    with temporary_home() as (home, cache), block() as addresses:
        try:
            found = find_model(None, cache, progress=lambda step, _: steps.detail(step))
        except NoModel as error:
            raise BenchError(str(error)) from error
        steps.next("when each word ends: clips recognised alone")
        clips = load_clips()
        ends = word_ends(found, clips)
        plain = cache / "models" / SMALL_CN.name
        searches = asyncio.run(_measure(options, steps, home, cache, f"{addresses}.2", plain, clips, ends))
    return _result(machine, found, searches["hotline"], searches["plain"], options)


async def _measure(
    options: Options,
    steps: Steps,
    home: Path,
    cache: Path,
    address: str,
    plain_model: Path,
    clips: tuple[Clip, ...],
    ends: Ends,
) -> dict[str, Search]:
    valkey = EmbeddedValkey(home / "valkey")
    await valkey.start()
    sides: list[Side] = [Workers(home, cache, valkey.url, address), Plain(plain_model, address)]
    searches = {
        "hotline": Search(options.calls or AIM_CALLS),
        "plain": Search(PLAIN_FIRST, step=0.0),
    }
    try:
        for side in sides:
            await side.start()
        while any(search.number for search in searches.values()):
            for side in sides:
                search = searches[side.name]
                if search.number:
                    steps.next(f"{side.name}: {search.number} calls")
                    trial = await try_calls(side, search.number, options.seconds, clips, ends)
                    steps.detail(_line(side.name, trial))
                    search.after(trial)
                    if len(search.trials) >= options.rounds * MOST_TRIALS[side.name]:
                        search.number = 0
        return searches
    finally:
        for side in sides:
            await side.stop()
        await valkey.stop()


def _result(
    machine: host.Machine, found: FoundModel, ours: Search, plain: Search, options: Options
) -> Result:
    best, other = ours.best, plain.best
    held, peer = best.calls if best else 0, other.calls if other else 0
    own = best or ours.trials[0]
    theirs = other or plain.trials[0]
    whole = [trial for trial in plain.trials if not trial.unfinished and trial.calls <= own.calls]
    compared = max(whole, key=lambda trial: trial.calls, default=theirs)
    same = min(compared.calls, own.calls)
    rates = errors(own, same), errors(compared, same)
    met = (
        held >= AIM_CALLS
        and held >= AIM_RATIO * peer
        and rates[0] <= rates[1] + ERROR_NOISE
        and own.memory_mb < AIM_MEMORY_MB
    )
    details: dict[str, Any] = {
        "seconds": options.seconds,
        "composed": found.composed,
        "word_to_partial_ms": own.partial_ms,
        "word_to_final_ms": own.final_ms,
        "sentence_to_final_ms": own.sentence_ms,
        "cpu_ms_per_call_s": {"hotline": own.cpu_ms_per_call_s, "plain": theirs.cpu_ms_per_call_s},
        "memory_mb": {"hotline": own.memory_mb, "plain": theirs.memory_mb},
        "error_rate": {"hotline": round(rates[0], 4), "plain": round(rates[1], 4), "calls": same},
        "trials": {name: [_told(trial) for trial in search.trials] for name, search in
                   (("hotline", ours), ("plain", plain))},
    }  # fmt: skip
    return Result(
        name="asr",
        value=float(held),
        unit="calls at once (two legs each) with 95 % of the words shown within 800 ms",
        aim=f">= {AIM_CALLS} calls and >= {AIM_RATIO:g} times plain Vosk; error rate no worse "
        f"(within {ERROR_NOISE:.1%}); < 1.5 GB",
        aim_met=met,
        peer=float(peer),
        ratio=round(held / max(peer, 1), 2),
        machine=machine,
        details=details,
        lines=(
            *(_line(name, trial) for name, search in (("hotline", ours), ("plain", plain))
              for trial in search.trials),
            f"character errors on the same {same} calls: {rates[0]:.1%}, plain {rates[1]:.1%}",
        ),
    )  # fmt: skip


def _told(trial: Trial) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(trial)
    del told["texts"]
    return told


def _line(name: str, trial: Trial) -> str:
    return (
        f"{name} {trial.calls:>3} calls: {'holds' if trial.holds else 'fails'}; word -> partial "
        f"{_ms(trial.partial_ms)} ms, sentence -> final {_ms(trial.sentence_ms)} ms (p50/p95/p99); "
        f"{trial.cores:.2f} cores, {trial.memory_mb:.0f} MiB; words found {trial.words_found:.0%}, "
        f"skipped {trial.dropped_s:.1f} s, unfinished legs {trial.unfinished}"
    )


def _ms(values: dict[str, float | None]) -> str:
    return "/".join("-" if value is None else f"{value:.0f}" for value in values.values())
