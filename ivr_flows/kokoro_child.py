"""Reads sentences aloud with Kokoro; runs as a script in the synthesiser's own environment, never in the
server.

Arguments: the model, the vocabulary, the folder of voices, the folder for results. Standard input: a JSON
list of [text, voice, style or null, speed or null]. For sentence N it writes `N.f32` (24 kHz mono float32,
little endian) and prints N on a line.

Model: StyleTTS 2 with an ISTFTNet vocoder, exported to ONNX. Its inputs are phoneme numbers framed by 0,
and one row of the voice's table of styles, which has a row for every length of sentence.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from misaki import zh

# A lone word is read badly with the rows for lengths that the voices were hardly ever trained on.
SHORTEST_STYLE = 18


def main() -> None:
    """Read all sentences of standard input."""
    os.nice(5)
    model, vocabulary, voices, results = (Path(argument) for argument in sys.argv[1:5])
    symbols: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    phonemes_of = zh.ZHG2P()
    for number, (text, voice, style, speed) in enumerate(json.load(sys.stdin)):
        phonemes = phonemes_of(text)[0]
        if unknown := sorted(set(phonemes) - symbols.keys()):
            raise SystemExit(f"the model has no sound for {unknown} in {text!r}")
        tokens = [symbols[phoneme] for phoneme in phonemes]
        styles = np.fromfile(voices / f"{voice}.bin", dtype="<f4").reshape(-1, 1, 256)
        row = style or max(SHORTEST_STYLE, len(tokens))
        if max(row, len(tokens)) >= len(styles):
            raise SystemExit(f"{len(tokens)} sounds in {text!r}; at most {len(styles) - 1} fit one sentence")
        audio = session.run(
            None,
            {
                "tokens": [[0, *tokens, 0]],
                "style": styles[row],
                "speed": np.array([speed or 1.0], np.float32),
            },
        )[0]
        np.asarray(audio, dtype="<f4").ravel().tofile(results / f"{number}.f32")
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
