"""Tags through the limited child: every format, damage, and children that die or hang."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from phonolith.sources.tag_reader import Cover, Reading, _sane, read_file
from phonolith.sources.tags import TagReader

SECONDS = 20


def make_tone(path: Path, codec: str, options: dict[str, str] | None = None) -> Path:
    """Twenty seconds of noise in a real file."""
    rate = 48000
    noise = np.random.default_rng(1).integers(-3000, 3000, (1, rate * SECONDS)).astype(np.int16)
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = "mono"
        for start in range(0, noise.shape[1], 4608):
            frame = av.AudioFrame.from_ndarray(noise[:, start : start + 4608], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        out.metadata["title"] = "tone"
    return path


def test_beets_files_are_read(shared_data: Path) -> None:
    """At least 61 of 67 give a duration; the others a problem that names the format."""
    files = [
        path
        for path in sorted((shared_data / "audio-beets").iterdir())
        if path.suffix.lower().lstrip(".")
        in ["mp3", "flac", "ogg", "opus", "m4a", "ape", "wma", "mpc", "wv", "aiff", "dsf", "wav"]
    ]
    with TagReader() as reader:
        found = {path.name: reader.read(path) for path in files}
        assert reader.started == 1, "one child reads them all"
    good = {name for name, reading in found.items() if reading.duration_ms}
    assert len(files) >= 66
    assert len(good) >= 61
    assert all(reading.problem for name, reading in found.items() if name not in good)
    assert found["oldape.ape"].problem.startswith("Monkey's Audio: ")
    titled = [name for name in good if name.startswith(("full.", "min.", "partial."))]
    assert {found[name].tags["title"][0] for name in titled} == {"full", "min", "partial"}
    assert [len(found[name].covers) for name in ("image.flac", "image.mp3", "image.wma", "image.ape")] == [2, 2, 1, 2]
    assert found["full.wma"].tags["album"] == ["the album"]
    assert found["emptylist.mp3"].problem == "MP3: it ends at 1.1 s of 217.1 s: truncated"


@pytest.mark.parametrize(
    ("codec", "suffix"), [("flac", "flac"), ("pcm_s16le", "wav"), ("aac", "m4a"), ("libmp3lame", "mp3")]
)
def test_a_whole_file_has_no_problem_and_half_of_it_has(tmp_path: Path, codec: str, suffix: str) -> None:
    path = make_tone(tmp_path / f"tone.{suffix}", codec)
    whole = read_file(str(path))
    assert whole.problem == ""
    assert whole.duration_ms == pytest.approx(SECONDS * 1000, abs=100)
    data = path.read_bytes()
    half = tmp_path / f"half.{suffix}"
    half.write_bytes(data[: len(data) // 2])
    reading = read_file(str(half))
    assert reading.problem, f"half a {suffix} must not pass"


def test_a_duration_that_is_only_estimated_proves_no_damage(tmp_path: Path) -> None:
    """An MP3 without a Xing header: players estimate, so a whole file may seem too short."""
    path = make_tone(tmp_path / "tone.mp3", "libmp3lame", {"write_xing": "0"})
    assert b"Xing" not in path.read_bytes()[:4096]
    assert read_file(str(path)).problem == ""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert read_file(str(path)).problem == ""


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 5000, b"fLaC" + b"\xff" * 5000, b"OggS" + bytes(range(256)) * 20, b"ID3\x04\0\0\x7f\x7f\x7f\x7f"],
)
def test_rubbish_is_a_problem_and_never_an_exception(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(data)
    assert read_file(str(path)).problem


def test_what_cannot_be_is_left_out() -> None:
    """The duration that a broken Monkey's Audio header claims: 472 days."""
    reading = _sane(Reading(format="Monkey's Audio", duration_ms=40_780_800_000, channels=0, sample_rate=-5))
    assert reading.duration_ms is None
    assert reading.problem == "Monkey's Audio: its header claims 40,780,800 s, which cannot be"
    assert (reading.channels, reading.sample_rate) == (None, None)
    assert len(_sane(Reading(covers=[Cover(b"x")] * 100)).covers) == 16


CHILD = """
import sys, time
for line in sys.stdin.buffer:
    import base64
    path = base64.b64decode(line)
    if path.endswith(b"hang"):
        time.sleep(600)
    if path.endswith(b"crash"):
        import os; os.kill(os.getpid(), 11)
    if path.endswith(b"huge"):
        sys.stdout.buffer.write(b"\\xff\\xff\\xff\\xff")
    else:
        sys.stdout.buffer.write(b"\\0\\0\\0\\x01\\x80")
    sys.stdout.buffer.flush()
"""


def test_a_child_that_dies_or_hangs_costs_its_file_only() -> None:
    with TagReader(deadline=0.5, command=[sys.executable, "-c", CHILD]) as reader:
        assert reader.read(Path("/fine")).problem == ""
        assert reader.read(Path("/crash")).problem == "audio: reading it ended its reader (signal 11)"
        assert reader.read(Path("/fine")).problem == ""
        assert reader.read(Path("/hang")).problem == "audio: reading it takes longer than is allowed"
        assert reader.read(Path("/fine")).problem == ""
        assert "4,294,967,295 bytes" in reader.read(Path("/huge")).problem
        assert reader.read(Path("/fine")).problem == ""


def test_the_child_cannot_write(tmp_path: Path) -> None:
    """The limits hold inside the real child: RLIMIT_FSIZE 0 and a bound on memory."""
    code = (
        "import resource; from phonolith.sources.tag_reader import _limit; _limit();"
        "assert resource.getrlimit(resource.RLIMIT_FSIZE) == (0, 0);"
        "assert resource.getrlimit(resource.RLIMIT_AS)[0] <= 2 * 1024**3\n"
        "try:\n b'x' * (3 * 1024**3)\nexcept MemoryError:\n raise SystemExit(7)"
    )
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 7


def test_a_file_that_is_not_there_is_a_problem() -> None:
    with TagReader() as reader:
        assert "cannot be opened" in reader.read(Path("/nowhere/at all.mp3")).problem
