"""Files are whole and what they should be, or they are not there; parts are put together only where that is proved."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import Busy, PhonolithError, StorageError, TimedOut
from phonolith.model.finding import Finding
from phonolith.sources.client import downloads
from phonolith.sources.client.answers import Downloaded, Expected, Limits, Manners
from phonolith.sources.client.client import Client
from phonolith.sources.client.parts import PREFIX, Part, sweep_parts
from tests.lying import PAGES, Handler, Origin, file, in_turn, raw, reply
from tests.virtual import virtual_clock, virtually

_DATA = random.Random(1).randbytes(3_000_000)
_SHA1 = hashlib.sha1(_DATA).hexdigest()
_STATED = Expected(sha1=_SHA1)
_OPEN = Manners(rate=1000.0, robots=False)
_HALF = file(_DATA, cut=1_500_000)


def _fetch(
    handler: Handler, folder: Path, expect: Expected = _STATED, **more: Any
) -> tuple[Downloaded | str, list[Finding], list[str | None]]:
    """What came (or the code of its verdict), findings, and the Range of every request."""

    async def main() -> tuple[Downloaded | str, list[Finding], list[str | None]]:
        findings: list[Finding] = []
        async with Origin({"*": handler}, port=_PORT) as origin:
            settings: dict[str, Any] = {"clock": virtual_clock(), "chance": lambda: 0.5, "trusted": [origin.base]}
            async with Client("a@example.org", report=findings.append, **settings) as client:
                url = origin.url("/file")
                found: Downloaded | str
                try:
                    arguments: dict[str, Any] = {"cap": 10_000_000, "manners": _OPEN} | more
                    found = await client.download(url, folder, expect=expect, **arguments)
                except PhonolithError as error:
                    found = error.code or type(error).__name__
                return found, findings, [one.headers.get("range") for one in origin.arrivals]

    return virtually(main())


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


_PORT = _free_port()  # one address for all, as parts are named by it


def test_a_whole_file(tmp_path: Path) -> None:
    found, _, asked = _fetch(file(_DATA), tmp_path, Expected(len(_DATA), "", _SHA1, hashlib.md5(_DATA).hexdigest()))
    assert isinstance(found, Downloaded) and asked == [None]
    assert found.path.read_bytes() == _DATA and list(tmp_path.iterdir()) == [found.path]
    assert (found.size, found.sha256, found.resumed) == (len(_DATA), hashlib.sha256(_DATA).hexdigest(), 0)
    assert found.validator.strong == '"one"'


def test_a_cut_file_goes_on_where_it_was(tmp_path: Path) -> None:
    found, _, asked = _fetch(in_turn(_HALF, file(_DATA)), tmp_path)
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA
    assert found.resumed == 1_500_000 and asked == [None, f"bytes={1_500_000 - 16384}-"]


@pytest.mark.parametrize("lie", ["ignore", "weak"])
def test_without_ranges_or_strong_validators_it_begins_again(tmp_path: Path, lie: str) -> None:
    first = file(_DATA, cut=1_500_000, lie="weak" if lie == "weak" else "")
    found, _, asked = _fetch(in_turn(first, file(_DATA, lie=lie)), tmp_path)
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA and found.resumed == 0
    assert (asked[1] is None) is (lie == "weak")


def test_another_version_is_never_joined(tmp_path: Path) -> None:
    old = file(_DATA[::-1], '"old"', cut=1_500_000)
    found, findings, _ = _fetch(in_turn(old, file(_DATA)), tmp_path)
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA and not findings


@pytest.mark.parametrize("lie", ["other", "bytes", "none", "416"])
def test_who_lies_about_ranges_is_found_out_and_asked_for_all(tmp_path: Path, lie: str) -> None:
    for expect in (Expected(), Expected(sha1=_SHA1)):  # without any digest, too
        found, findings, asked = _fetch(in_turn(_HALF, file(_DATA, lie=lie), file(_DATA)), tmp_path, expect)
        assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA
        assert [finding.code for finding in findings] == ["http.range-lie"]
        assert asked[1] and asked[2] is None


def test_a_validator_that_lies_is_found_out_by_the_bytes_that_come_again(tmp_path: Path) -> None:
    other = random.Random(2).randbytes(len(_DATA))
    old = file(other, cut=1_500_000)  # under the same entity tag
    found, findings, _ = _fetch(in_turn(old, file(_DATA, lie="unsatisfied"), file(_DATA)), tmp_path, Expected())
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA
    assert [finding.code for finding in findings] == ["http.range-lie"]


def test_control_without_bytes_that_come_again_the_parts_are_joined_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_OVERLAP", 0)
    other = random.Random(2).randbytes(len(_DATA))
    found, _, _ = _fetch(in_turn(file(other, cut=1_500_000), file(_DATA, lie="unsatisfied")), tmp_path, Expected())
    assert isinstance(found, Downloaded) and found.path.read_bytes() != _DATA


@pytest.mark.parametrize("progress", [100_000, 1_000_000])
def test_a_line_that_drops_often_brings_the_file_as_long_as_it_brings_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: int
) -> None:
    monkeypatch.setattr("phonolith.sources.client.client._PROGRESS", progress)
    found, _, asked = _fetch(file(_DATA, cut=120_000), tmp_path, limits=Limits(tries=2))
    if progress == 100_000:
        assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA and len(asked) > 20
    else:
        assert found == "http.cut" and len(asked) == 2


def test_a_lie_that_only_the_digest_shows(tmp_path: Path) -> None:
    """The versions agree where the parts overlap, and differ elsewhere."""
    old = bytes([_DATA[0] ^ 1]) + _DATA[1:]
    found, findings, _ = _fetch(in_turn(file(old, cut=1_500_000), file(_DATA), file(_DATA)), tmp_path)
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA
    assert [finding.code for finding in findings] == ["http.range-lie"]


@pytest.mark.parametrize(
    ("handler", "expect", "code"),
    [
        (PAGES["/page"], Expected(kind="audio/"), "http.kind"),
        (PAGES["/page-as-audio"], Expected(kind="audio/"), "http.kind"),
        (file(_DATA), Expected(size=5), "http.size"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), Expected(5), "http.size"),
        (file(_DATA), Expected(md5="0" * 32), "http.digest"),
        (file(_DATA), Expected(sha256="0" * 64), "http.digest"),
        (file(bytes(10_000_001)), Expected(), "http.large"),
        (reply(200, b"x", Content_Encoding="gzip"), Expected(), "http.encoding"),
        (raw(b"HTTP/1.1 200 OK\r\n\r\nall, or half"), Expected(), "http.unframed"),
        (file(_DATA, cut=10_000), Expected(), "http.cut"),
        (reply(404), Expected(), "http.absent"),
        (reply(206, b"x", Content_Range="bytes 0-0/9"), Expected(), "http.status"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing_behind(tmp_path: Path, handler: Handler, expect: Expected, code: str) -> None:
    assert _fetch(handler, tmp_path, expect)[0] == code
    assert not list(tmp_path.iterdir())


def test_a_page_is_taken_where_a_page_is_expected(tmp_path: Path) -> None:
    assert isinstance(_fetch(PAGES["/page"], tmp_path, Expected(kind="text/"))[0], Downloaded)


def test_a_part_outlives_the_run(tmp_path: Path) -> None:
    once = Limits(tries=1)
    assert _fetch(_HALF, tmp_path, limits=once)[0] == "http.cut"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", ".json"]
    found, _, asked = _fetch(file(_DATA), tmp_path)
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA and found.resumed == 1_500_000
    assert asked == [f"bytes={1_500_000 - 16384}-"] and list(tmp_path.iterdir()) == [found.path]


@pytest.mark.parametrize("harm", ["longer", "shorter", "no-json", "other-url"])
def test_only_what_is_known_to_be_on_the_disk_is_kept(tmp_path: Path, harm: str) -> None:
    assert _fetch(_HALF, tmp_path, Expected(), limits=Limits(tries=1))[0] == "http.cut"
    (beside,) = tmp_path.glob("*.json")
    part = beside.with_suffix("")
    if harm == "longer":  # as after a power cut: beyond what was flushed may be anything
        with part.open("ab") as more:
            more.write(bytes(5000))
    elif harm == "shorter":
        os.truncate(part, 100)
    else:
        beside.write_text("{" if harm == "no-json" else beside.read_text().replace("/file", "/other"))
    found, findings, asked = _fetch(file(_DATA), tmp_path, Expected())
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA and not findings
    assert (asked == [None]) is (harm != "longer")


@pytest.mark.parametrize("kept", ["as it was", "of other bytes", "lost", "beyond its end"])
def test_where_a_digest_decides_nothing_that_is_there_is_fetched_twice(tmp_path: Path, kept: str) -> None:
    """After a kill nothing was flushed, and all is there; after a power cut it may be anything."""
    part = Part(tmp_path, f"http://127.0.0.1:{_PORT}/file", proved=True)
    part.open()
    part.write(_DATA[:1_500_000], '"one"')
    path = next(one for one in tmp_path.iterdir() if not one.suffix)
    shutil.copytree(tmp_path, tmp_path / "killed")
    part.close(keep=False)
    for one in (tmp_path / "killed").iterdir():
        one.rename(tmp_path / one.name)
    (tmp_path / "killed").rmdir()
    if kept != "as it was":
        held = {"of other bytes": bytes(1_000_000) + _DATA[1_000_000:1_500_000], "lost": b""}
        path.write_bytes(held.get(kept, _DATA[:1_500_000] + bytes(20_000)))
    found, _, asked = _fetch(file(_DATA), tmp_path)
    assert isinstance(found, Downloaded) and found.path.read_bytes() == _DATA
    assert (found.resumed == 1_500_000) is (kept == "as it was")
    assert (asked[0] is not None) is (kept != "lost") and (len(asked) == 1) is (kept in ("as it was", "lost"))


def test_a_killed_run_goes_on_from_what_was_flushed(tmp_path: Path) -> None:
    """A process that is killed in the middle of a large file; the next one begins at a flushed mark."""
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from phonolith.sources.client.parts import Part
        part = Part(Path(sys.argv[1]), "http://a.test/")
        part.open()
        for _ in range(40):
            part.write(os.urandom(1 << 20), '"v"')
        while not list(Path(sys.argv[1]).glob("*.json")):
            pass
        os._exit(9)
    """)
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=60).returncode == 9
    part = Part(tmp_path, "http://a.test/")
    part.open()
    assert (part.size, part.etag) == (32 << 20, '"v"')
    part.close(keep=False)
    assert not list(tmp_path.iterdir())


def test_two_runs_do_not_write_one_part(tmp_path: Path) -> None:
    first, second = Part(tmp_path, "http://a.test/"), Part(tmp_path, "http://a.test/")
    first.open()
    with pytest.raises(Busy):
        second.open()
    assert sweep_parts(tmp_path, before=1e12) == 0
    first.write(bytes(2 << 20), '"v"')
    first.close(keep=True)
    assert sweep_parts(tmp_path, before=0.0) == 0 and sweep_parts(tmp_path, before=1e12) == 1
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_a_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert _fetch(file(_DATA), tmp_path)[0] == StorageError.__name__


# nginx: ranges and validators as they are


@pytest.fixture
def nginx(peer: Callable[..., str], tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A served folder: its address and its path."""
    program, folder, port = peer("nginx"), tmp_path / "nginx", _free_port()
    (folder / "files").mkdir(parents=True)
    folder.chmod(0o755)
    tmp_path.chmod(0o755)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log {folder}/access.log; gzip on; gzip_types application/json; gzip_min_length 1;\n"
        f"types {{ application/json json; audio/flac flac; }} client_body_temp_path {folder};\n"
        f"proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/files; limit_rate_after 1m; limit_rate 900k; }} }}"
    )
    server = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "error.log").read_text()
        yield f"http://127.0.0.1:{port}", folder / "files"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def test_nginx_resumes_recognises_and_packs(nginx: tuple[str, Path], tmp_path: Path) -> None:
    base, files = nginx
    target = tmp_path / "target"
    target.mkdir()
    (files / "a.flac").write_bytes(_DATA)
    (files / "a.json").write_bytes(b'{"title": "x"}' * 1000)

    async def main() -> None:
        async with Client("a@example.org", trusted=[base]) as client:
            url = f"{base}/a.flac"
            with pytest.raises(TimedOut):  # it is given too little time for all of it
                await client.download(url, target, cap=10**7, manners=_OPEN, limits=Limits(total=1.5, tries=1))
            found = await client.download(
                url, target, cap=10**7, expect=Expected(sha1=_SHA1, kind="audio/"), manners=_OPEN
            )
            assert found.path.read_bytes() == _DATA and found.resumed >= 1 << 20
            found.path.unlink()
            first = await client.get(f"{base}/a.json", manners=_OPEN)
            assert first.body == b'{"title": "x"}' * 1000 and first.sent < len(first.body)
            assert first.validator.modified and not first.validator.strong  # what is packed is weak
            assert (await client.get(f"{base}/a.json", manners=_OPEN, validator=first.validator)).unchanged
            os.utime(files / "a.json", (1, 1))
            assert not (await client.get(f"{base}/a.json", manners=_OPEN, validator=first.validator)).unchanged

    asyncio.run(main())
