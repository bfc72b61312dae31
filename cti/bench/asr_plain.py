"""The peer of `hotline bench asr`: plain Vosk as its own example server uses it, in a process of its own.

One recogniser a leg with word times, made when the leg connects; blocks of 100 ms, each handed to a pool with
a thread for each core (the engine lets go of Python's lock while it works), and after each block either the
result of a sentence or a partial result. No voice activity, no limits: the model as it was published. Legs
come by AudioSocket; what is heard goes to standard output, a JSON line each.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import vosk

from asr.audiosocket import RATES, FrameParser, Kind, tap_id_of

BLOCK_S = 0.1


def _tell(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _heard(recogniser: Any, block: bytes) -> dict[str, Any]:
    """Feed one block; return the words of a sentence that ended, or the partial text."""
    if recogniser.AcceptWaveform(block):
        return {"words": _words(recogniser.Result())}
    return {"partial": json.loads(recogniser.PartialResult())["partial"]}


def _words(result: str) -> list[str]:
    return [word["word"] for word in json.loads(result).get("result", ())]


class _Server:
    """Takes legs until standard input ends."""

    def __init__(self, model: Any, threads: int) -> None:
        self._model = model
        self._pool = ThreadPoolExecutor(threads)

    async def leg(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: everything is read at once, so that what waits waits here."""
        blocks: asyncio.Queue[bytes] = asyncio.Queue()
        parser, rate, kept = FrameParser(), 0, bytearray()
        working: asyncio.Task[None] | None = None
        while data := await reader.read(65536):
            for frame in parser.feed(data):
                if frame.kind is Kind.UUID:
                    working = asyncio.create_task(self._work(tap_id_of(frame), blocks))
                elif frame.kind in RATES:
                    rate = RATES[frame.kind]
                    kept += frame.payload
            if rate and len(kept) >= 2 * rate * BLOCK_S:
                blocks.put_nowait(bytes(kept))
                kept.clear()
        blocks.put_nowait(b"")
        if working is not None:
            await working
        writer.close()

    async def _work(self, leg: str, blocks: asyncio.Queue[bytes]) -> None:
        run = asyncio.get_running_loop().run_in_executor
        recogniser = await run(self._pool, self._recogniser)
        _tell(leg=leg, ready=True)
        while block := await blocks.get():
            _tell(leg=leg, **await run(self._pool, _heard, recogniser, block))
        _tell(leg=leg, words=_words(await run(self._pool, recogniser.FinalResult)))
        _tell(leg=leg, ended=True)

    def _recogniser(self) -> Any:
        recogniser = vosk.KaldiRecognizer(self._model, 8000)
        recogniser.SetWords(True)
        return recogniser


async def _main(model: str, host: str) -> None:
    vosk.SetLogLevel(-1)
    server = _Server(vosk.Model(model), len(os.sched_getaffinity(0)))
    listening = await asyncio.start_server(server.leg, host, 0, limit=1 << 22)
    _tell(port=listening.sockets[0].getsockname()[1])
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    await stdin.read()
    os._exit(0)  # what still waits is of no use


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
