"""Reads the citizens' lines of `calls.yaml` aloud: `python -m cti.bench.hotline_speech.render [ID …]`.

Each call becomes `<id>.wav`, 8 kHz A-law: a synthesiser's voice, cut to the band of a telephone line
(300 to 3,400 Hz), at −22 dBFS, with a pause where the agent would speak. The synthesiser is fetched on first
use (see ivr_flows/kokoro.py); calls that have audio already are left alone unless they are named.
"""

from __future__ import annotations

import itertools
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import soxr
import yaml

from asr.g711 import Law, encode
from ivr_flows.audio import RATE, Samples
from ivr_flows.kokoro import Kokoro, Spoken

FOLDER = Path(__file__).parent
BAND_HZ = (300.0, 3400.0)
LEVEL_DBFS = -22.0
PAUSE_S, ANSWER_S = 0.7, 1.2
"""Silence between two sentences of the citizen, and where the agent said something between them."""
_LETTERS = str.maketrans({"A": "诶", "T": "踢"})
"""The voices know no Latin letters."""


def sentences(call: Mapping[str, object]) -> list[tuple[str, float]]:
    """Return what the citizen says in a call, sentence by sentence, each with the pause before it."""
    lines = call["lines"]
    if not isinstance(lines, list):
        raise TypeError(f"{call['id']}: lines is {type(lines).__name__}, not a list")
    said: list[tuple[str, float]] = []
    asked = False
    for line in lines:
        if "agent" in line:
            asked = True
            continue
        said.append((line["citizen"], ANSWER_S if asked else PAUSE_S))
        asked = False
    return said


def narrow(samples: Samples, rate: int) -> Samples:
    """Return the samples as a telephone line would carry them, at 8 kHz."""
    low = soxr.resample(samples, rate, RATE, "VHQ").astype(np.float32)
    spectrum = np.fft.rfft(low)
    hertz = np.fft.rfftfreq(len(low), 1 / RATE)
    gain = np.clip((hertz - BAND_HZ[0] + 100) / 100, 0, 1) * np.clip((BAND_HZ[1] + 200 - hertz) / 200, 0, 1)
    return np.asarray(np.fft.irfft(spectrum * gain, len(low)), np.float32)


def levelled(samples: Samples) -> Samples:
    """Return the samples with their loud half at `LEVEL_DBFS` on average."""
    power = np.square(samples)
    loud = power[power >= np.percentile(power, 50)].mean()
    gain = np.float32(10 ** (LEVEL_DBFS / 20) / np.sqrt(loud))
    return np.asarray(np.clip(samples * gain, -1, 1), np.float32)


def alaw_wav(samples: Samples) -> bytes:
    """Return the bytes of an 8 kHz mono A-law WAV file."""
    data = encode(np.rint(samples * 32767).astype(np.int16), Law.A)
    format_chunk = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, RATE, RATE, 1, 8, 0)
    fact_chunk = struct.pack("<4sII", b"fact", 4, len(data))
    body = b"WAVE" + format_chunk + fact_chunk + struct.pack("<4sI", b"data", len(data)) + data
    body += bytes(len(data) % 2)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def render(calls: Sequence[Mapping[str, object]], out: Path) -> Iterator[Path]:
    """Read calls aloud into `out`, yielding each file once it is written.

    Raises:
        SynthesisError: the synthesiser cannot be had.
    """
    spoken = [
        Spoken(
            key=f"{call['id']}/{pause}",
            text=text,
            spelling=text.translate(_LETTERS),
            voice=str(call["voice"]),
            fragment=False,
        )
        for call in calls
        for text, pause in sentences(call)
    ]
    voice = Kokoro()
    for name, told in itertools.groupby(voice.speak(spoken), key=lambda each: each[0].key.split("/")[0]):
        parts: list[Samples] = []
        for line, samples in told:
            silence = np.zeros(round(float(line.key.split("/")[1]) * RATE), np.float32)
            parts += (silence, levelled(narrow(samples, voice.rate)))
        path = out / f"{name}.wav"
        path.write_bytes(alaw_wav(np.concatenate((*parts, np.zeros(round(PAUSE_S * RATE), np.float32)))))
        yield path


def main(names: Sequence[str]) -> None:
    """Render the calls of these names, or those that have no audio yet."""
    calls = yaml.safe_load((FOLDER / "calls.yaml").read_text("utf-8"))["calls"]
    chosen = [
        call
        for call in calls
        if (call["id"] in names if names else not (FOLDER / f"{call['id']}.wav").exists())
    ]
    for path in render(chosen, FOLDER):
        sys.stdout.write(f"{path.name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
