"""Access copies: only where re-encoding is allowed, beside untouched originals, by a child that may die of anything."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import av
import pytest
from PIL import Image

from phonolith.errors import StorageError
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.measure import child
from phonolith.measure.derive import KIND, DeriveReport, Wanted, derive
from phonolith.measure.encoder import Made, Request
from phonolith.model.ids import public_id
from phonolith.model.progress import Silent
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies
from tests.harvest.fetching import BY, ND, NOW
from tests.measure.sounds import CC0, holding, picture, tone


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def library(archive: Archive) -> Iterator[Library]:
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        yield Library(catalogue, Overlay(register), Policy())


def work(archive: Archive, **wanted: int | bool | tuple[str, ...]) -> DeriveReport:
    with library(archive) as opened:
        return derive(archive, opened, Wanted(**wanted), progress=Silent(), clock=lambda: NOW)  # type: ignore[arg-type]


def test_copies_are_made_beside_the_untouched_original_and_what_made_them_is_recorded(tmp_path: Path) -> None:
    sound, cover = tone(), picture()
    archive = holding(tmp_path, {"a": (sound, BY)}, cover)
    report = work(archive)
    assert (report.made, report.failed, report.refused) == (2, 0, 0) and not report.findings
    copies = AccessCopies(archive.access)
    told = copies.of(sha256(sound))
    assert told is not None and told.forms.keys() == {"opus", "aac", "peaks"}
    for form, codec in (("opus", "opus"), ("aac", "aac")):
        path = copies.path(sha256(sound), form)
        assert sha256(path.read_bytes()) == told.forms[form].sha256
        with av.open(str(path)) as made:
            stream = made.streams.audio[0]
            assert stream.codec_context.name == codec and stream.codec_context.channels == 2
            assert abs((made.duration or 0) / 1e6 - 2.0) < 0.1
    assert told.forms["opus"].encoder == "libopus" and "FFmpeg" in told.forms["opus"].version
    assert (told.forms["opus"].bitrate, told.forms["aac"].bitrate) == (75_000, 96_000)

    with archive.objects() as objects:
        assert objects.path(sha256(sound)).read_bytes() == sound  # bit for bit
        assert not objects.has(told.forms["opus"].sha256)  # a copy is no object: it is never published
    with archive.observations() as observations:
        said = {one.value["form"]: one for one in observations.of(sha256(sound), KIND)}
        assert said["opus"].tool == "libopus" and said["opus"].value["bitrate"] == 75_000
        assert said["opus"].value["sha256"] == told.forms["opus"].sha256
    peaks = json.loads(copies.path(sha256(sound), "peaks").read_bytes())["peaks"]
    assert len(peaks) == 1_000 and peaks[0] < 10 and 200 < peaks[-1] <= 255  # it grows from silence
    with Image.open(copies.path(sha256(cover), "thumbnail")) as small:
        assert (small.format, small.size) == ("WEBP", (960, 640))

    again = work(archive)
    assert (again.made, again.current) == (0, 2)


def test_the_same_file_gives_the_same_copy(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        archive = holding(tmp_path / name, {"a": (tone(1.0), BY)})
        work(archive)
        told = AccessCopies(archive.access).of(sha256(tone(1.0)))
        assert told is not None
        digests.append({form: one.sha256 for form, one in told.forms.items()})
    assert digests[0] == digests[1]


def test_an_opus_copy_of_a_tonal_piece_stays_near_its_rate(tmp_path: Path) -> None:
    sound = tone(20.0, pitch=1_000.0)
    archive = holding(tmp_path, {"a": (sound, BY)})
    work(archive)
    size = AccessCopies(archive.access).path(sha256(sound), "opus").stat().st_size
    assert size * 8 / 20 < 80_000


def test_nothing_is_made_of_what_may_not_be_re_encoded(tmp_path: Path) -> None:
    """The control is the same archive under a licence that permits it."""
    sounds = {"nd": (tone(0.5), ND), "none": (tone(0.6), ""), "free": (tone(0.7), CC0)}
    archive = holding(tmp_path, sounds)
    asked: list[str] = []

    def run(request: Request) -> Made:
        asked.append(sha256(Path(request.path).read_bytes()))
        return child.make(request)

    with library(archive) as opened:
        report = derive(archive, opened, Wanted(), progress=Silent(), clock=lambda: NOW, run=run)
    # The release permits it, so a track without a word of its own stands on that.
    assert sorted(asked) == sorted([sha256(tone(0.6)), sha256(tone(0.7))])
    assert (report.made, report.refused) == (2, 1)
    assert AccessCopies(archive.access).of(sha256(tone(0.5))) is None


def test_a_withdrawn_file_loses_its_copies(tmp_path: Path) -> None:
    archive = holding(tmp_path, {"a": (tone(0.5), BY)})
    work(archive)
    body = {"subjects": [public_id("folder.label", "a")], "ground": "law", "because": "a court"}
    with archive.register() as register:
        register.append("item.withdrawn", body, actor="x", time=NOW)
    assert work(archive).dropped == 1
    assert not [path for path in archive.access.rglob("*") if path.is_file()]


HOSTILE = {
    "no sound": (b"not a sound at all", "Invalid data"),
    "cut": (tone(1.0)[:60], ""),
    "a playlist that leads elsewhere": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n", ""),
    "endless channels": (
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x01\x00\xff\xff\x44\xac\x00\x00" + bytes(400),
        "",
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_cannot_be_decoded_is_a_finding_and_the_rest_goes_on(
    tmp_path: Path, hostile: tuple[bytes, str]
) -> None:
    data, words = hostile
    archive = holding(tmp_path, {"bad": (data, BY), "good": (tone(0.5), BY)})
    report = work(archive)
    assert (report.made, report.failed) == (1, 1) and words in report.findings[0].problem
    with archive.observations() as observations:
        assert observations.of(sha256(data), KIND)[-1].value.keys() == {"problem"}
    assert work(archive).current == 2  # nobody tries it again until somebody says so
    assert work(archive, again=True).failed == 1


CHILDREN = {
    "memory": ("bytearray(8 << 30)", "ended itself"),
    "time": ("__import__('time').sleep(3600)", "longer than is allowed"),
    "a signal": ("__import__('os').kill(__import__('os').getpid(), 11)", "signal 11"),
    "words": ("print('{}' * 9)", "no answer that can be read"),
    "nothing": ("print('{\"forms\": {}}')", "something else"),
    "another's file": (
        'print(\'{"forms": {"opus": {"name": "../x", "media_type": "", "encoder": "", "version": ""}}}\')',
        "something else",
    ),
}


@pytest.mark.parametrize("code", CHILDREN.values(), ids=CHILDREN)
def test_a_child_that_goes_wrong_costs_its_file_only(tmp_path: Path, code: tuple[str, str]) -> None:
    source, words = code
    limited = f"from phonolith.measure import encoder; encoder._limit(); {source}"
    request = Request(str(tmp_path / "x"), str(tmp_path), ["opus"])
    made = child.make(request, deadline=5.0, command=[sys.executable, "-c", limited])
    assert words in made.problem, made


def test_the_child_writes_no_more_than_it_may(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from phonolith.measure import encoder; encoder._limit();"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"  # as the limit, only sooner
        f"open({str(tmp_path / 'big')!r}, 'wb').write(bytes(2000))"
    )
    made = child.make(Request("x", str(tmp_path), ["opus"]), command=[sys.executable, "-c", code])
    assert made.problem and (tmp_path / "big").stat().st_size <= 1000


def test_a_budget_leaves_the_rest_for_later(tmp_path: Path) -> None:
    archive = holding(tmp_path, {f"t{n}": (tone(0.3 + n / 10), BY) for n in range(3)})
    report = work(archive, budget=1)
    assert (report.made, report.left) == (1, 2)
    assert work(archive).made == 2


def test_a_full_disk_is_told_before_a_child_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = holding(tmp_path, {"a": (tone(0.3), BY)})
    monkeypatch.setattr(AccessCopies, "free", lambda self: 1000)
    with pytest.raises(StorageError, match="nearly full"):
        work(archive)


def test_a_kill_leaves_no_copy_that_nobody_knows_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    archive = holding(tmp_path, {"a": (tone(0.3), BY)})
    with monkeypatch.context() as dying:
        dying.setattr("phonolith.store.copies.atomic_write", killed)
        with pytest.raises(Killed):
            work(archive)
    assert AccessCopies(archive.access).of(sha256(tone(0.3))) is None
    assert work(archive).made == 1
    assert not list(archive.access.glob(".incoming-*"))


def test_a_form_alone_is_made_alone_and_the_others_are_added_beside_it(tmp_path: Path) -> None:
    archive = holding(tmp_path, {"a": (tone(0.2), CC0)}, picture(10, 10))
    copies = AccessCopies(archive.access)

    def forms() -> list[list[str]]:
        return [sorted(told.forms) for one in copies.parents() if (told := copies.of(one))]

    assert work(archive, forms=("peaks",)).made == 1
    assert forms() == [["peaks"]], "nothing was made of the cover"
    again = work(archive, forms=("peaks",))
    assert (again.made, again.current) == (0, 1)
    assert work(archive, forms=("opus", "aac")).made == 1
    assert forms() == [["aac", "opus", "peaks"]]
