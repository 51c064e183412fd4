"""What items of archive.org say: real ones with every leaf accounted for, and made-up ones for each rule."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phonolith.errors import BadInput
from phonolith.model.music import Credit, Level, Origin, ReleaseDescription, TrackDescription
from phonolith.model.record import Record
from phonolith.rights.evidence import resolve
from phonolith.rights.gate import LIMITS
from phonolith.rights.public_domain import free_in
from phonolith.sources.base import SETTINGS, open_source
from phonolith.sources.internetarchive import SOURCE, InternetArchiveSource
from phonolith.sources.internetarchive_item import milliseconds
from phonolith.sources.internetarchive_says import distinct
from phonolith.sources.media import candidates
from phonolith.sources.roundtrip import measure

BY = "https://creativecommons.org/licenses/by/4.0/"
BY_NC = "https://creativecommons.org/licenses/by-nc/4.0/"
REAL = {
    "smoke": "provider/fixtures/smoke-gets-in-your-eyes-plate.json",
    "hippopotamus": "provider/fixtures/i-want-a-hippopotamus-for-christmas.json",
    "stream_only": "provider/fixtures/grateful-dead-1973.json",
    "etree": "fixtures/gd70-10-23.aud.wolfson.15080.sbefail.shnf.json",
}


def real(folder: Path, name: str) -> Record:
    payload = (folder / "ia-metadata" / "voice-apps" / "tests" / REAL[name]).read_bytes()
    identifier = json.loads(payload)["metadata"]["identifier"]
    return Record("internetarchive.x", identifier, "", "2026-01-01T00:00:00Z", payload)


def record(files: list[dict[str, Any]], root: dict[str, Any] | None = None, **metadata: Any) -> Record:
    said = {"identifier": "x", "mediatype": "audio", "title": "Hav", "creator": "Ann", **metadata}
    payload = msgspec.json.encode({"metadata": said, "files": files, **(root or {})})
    return Record("internetarchive.x", "x", "https://archive.org/metadata/x", "2026-01-01T00:00:00Z", payload)


def original(name: str, **said: str) -> dict[str, Any]:
    return {"name": name, "source": "original", "size": "9", **said}


def said(one: Record, source: InternetArchiveSource = SOURCE) -> tuple[ReleaseDescription, list[TrackDescription]]:
    release, *tracks = source.interpret(one)
    assert isinstance(release, ReleaseDescription)
    return release, [track for track in tracks if isinstance(track, TrackDescription)]


# Real items


def test_every_leaf_of_real_items_is_accounted_for(shared_data: Path) -> None:
    for name in REAL:
        found = measure(SOURCE, [real(shared_data, name)])
        assert found.lost == 0, found.examples
        assert found.columns > found.remainder and found.private > 0


def test_no_person_who_keeps_or_reviews_an_item_comes_out(shared_data: Path) -> None:
    for name in REAL:
        one = real(shared_data, name)
        root = json.loads(one.payload)
        people = [root["metadata"].get(key) for key in ("uploader", "adder", "user_cleaned", "user_transferred")]
        people += [review["reviewer"] for review in root.get("reviews") or ()]
        people += [one for one in root["metadata"]["collection"] if one.startswith("fav-")]
        told = repr(list(SOURCE.interpret(one)))
        assert people and not [person for person in people if isinstance(person, str) and person in told]


def test_transfers_of_one_side_are_one_track_and_the_engineers_choice_goes_first(shared_data: Path) -> None:
    one = real(shared_data, "smoke")
    release, tracks = said(one)
    assert [(track.position, track.title) for track in tracks] == [
        (1, "(When Your Heart's On Fire) Smoke Gets in Your Eyes"),
        (2, "The Continental (You Kiss While You're Dancing)"),
    ]
    assert [len(track.files) for track in tracks] == [9, 9]
    assert all(track.files[0].name.startswith(("07 - ", "08 - ")) for track in tracks)
    rest = [file.name for file in tracks[0].files[1:]]
    assert ["flat" in name for name in rest] == [False] * 4 + [True] * 4
    assert tracks[0].credits == (Credit("Larry Adler"), Credit("Harbach", role="writer"), Credit("Kern", role="writer"))
    assert all(track.composition_by_others for track in tracks)
    assert (release.labels[0].name, release.labels[0].catalogue_number) == ("Columbia", "35516")
    offered = candidates(SOURCE, one, [release, *tracks])
    assert [one.role for one in offered] == ["cover", "audio", "audio"], "one transfer of each side"
    assert all(len(one.md5) == 32 and len(one.sha1) == 40 and one.size for one in offered)


def test_an_item_without_a_licence_states_none_and_nothing_may_be_done(shared_data: Path) -> None:
    for name in REAL:
        release, tracks = said(real(shared_data, name))
        assert not release.licences and not any(track.licences for track in tracks)
        assert resolve(release.licences).licence is None
        assert release.date, "the date is there for whoever decides by it"


def test_stream_only_and_private_files(shared_data: Path) -> None:
    one = real(shared_data, "stream_only")
    release, tracks = said(one)
    assert release.limits == ("stream-only",) and all(track.limits == ("stream-only",) for track in tracks)
    assert len(tracks) == 31 and {track.disc for track in tracks} == {1, 2, 3, 4}
    assert not any(file.url for track in tracks for file in track.files), "each of them is private"
    offered = candidates(SOURCE, one, [release, *tracks])
    assert offered and all("stream-only" in one.limits and one.role != "audio" for one in offered)
    assert tracks[0].duration_ms == 674_930, "as decoded, not as Shorten's header is misread"


def test_titles_places_and_lengths_of_a_concert(shared_data: Path) -> None:
    _, tracks = said(real(shared_data, "etree"))
    assert [(one.disc, one.position) for one in tracks] == [(1, n) for n in range(1, 10)] + [
        (2, n) for n in range(1, 7)
    ]
    assert (tracks[9].title, tracks[9].number, tracks[9].duration_ms) == ("Truckin'", "10", 387_490)
    assert not any(one.credits for one in tracks), "the release's credit is theirs"
    assert not [one for one in tracks if "." in Path(one.files[0].url).suffix and not one.files[0].url.endswith(".shn")]


def test_collections_and_pictures_are_kept_and_not_described(shared_data: Path) -> None:
    folder = shared_data / "ia-metadata"
    paths = (
        "voice-apps/tests/provider/fixtures/georgeblood.json",
        "internetarchive-py/tests/data/metadata/nasa.json",
    )
    for path in paths:
        assert not list(SOURCE.interpret(Record("internetarchive.x", "x", "", "", (folder / path).read_bytes())))


# Dates of 78 rpm records

PRINTED, DEAD = "1850", "1860"  # a song whose composition is free


def test_a_real_78_was_recorded_by_its_date_and_nobody_says_when_it_was_published(shared_data: Path) -> None:
    for name, day in (("smoke", "1940-06-21"), ("hippopotamus", "1953")):
        one = real(shared_data, name)
        _, tracks = said(one)
        for track in tracks:
            assert track.origin is not None and (track.origin.recorded, track.origin.published) == (day, "")
            assert (track.origin.level, track.origin.by) == (Level.PLATFORM, "internetarchive.x")
            assert (track.origin.where.rpartition("/")[2], track.origin.digest) == (one.item, one.digest)
            assert resolve((), origin=track.origin, on=date(2026, 11, 30)).licence is None
    for name in ("etree", "stream_only"):  # the date of a concert
        assert not any(track.origin for track in said(real(shared_data, name))[1])


def origin_of(**metadata: Any) -> Origin | None:
    _, tracks = said(record([original("a.flac")], **{"source": "78", **metadata}))
    return tracks[0].origin


@pytest.mark.parametrize(
    ("metadata", "recorded", "published"),
    [
        ({"date": "1910"}, "1910", ""),
        ({"date": "1910", "year": "1910"}, "1910", ""),
        ({"date": "1910-05-01", "release-date": "1911"}, "1910-05-01", "1911"),
        ({"release_date": "1911"}, "", "1911"),
        ({"date": "1910", "recording-date": "1909-02"}, "1909-02", ""),
        ({"date": "1910", "publication-date": ["1911", "1911"]}, "1910", "1911"),
        ({"date": "1910", "release-date": "1911", "publication-date": "1912"}, "1910", ""),  # which of them?
        ({"date": ["1910", "1911"], "release-date": "1911"}, "", "1911"),
        ({"date": "1910", "year": "1912", "release-date": "1911"}, "", "1911"),  # one of them is wrong
        ({"date": "[ca. 1910]"}, "[ca. 1910]", ""),  # kept as it is written, and frees nothing
    ],
    ids=str,
)
def test_a_year_of_publication_is_one_that_is_called_so(metadata: Any, recorded: str, published: str) -> None:
    found = origin_of(**metadata)
    assert found is not None and (found.recorded, found.published) == (recorded, published)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"date": ["1910", "1911"]},
        {"date": "1910", "source": "LP"},
        {"date": "1910", "source": "", "collection": ["audio"]},
        {"date": "1910", "licenseurl": BY},  # somebody states a licence: dates are not asked
        {"date": "1910", "rights": "All rights reserved"},
    ],
    ids=str,
)
def test_dates_that_are_none(metadata: Any) -> None:
    assert origin_of(**metadata) is None


@pytest.mark.parametrize(
    ("metadata", "day", "free"),
    [
        ({"date": "1910"}, date(2026, 11, 30), False),  # recorded then, published perhaps later
        ({"date": "1910", "release-date": "1922"}, date(2021, 12, 31), False),
        ({"date": "1910", "release-date": "1922"}, date(2022, 1, 1), True),
        ({"date": "1910", "release-date": "1925"}, date(2025, 12, 31), False),
        ({"date": "1910", "release-date": "1925"}, date(2026, 1, 1), True),
        ({"date": "1972-02-14"}, date(2067, 2, 15), False),
        ({"date": "1972-02-14"}, date(2067, 2, 16), True),  # 17 U.S.C. § 1401(a)(2)(A)(ii) asks for no publication
        ({"date": "1972-02-15"}, date(2099, 1, 1), False),
        ({"date": "ca. 1910", "release-date": "1922"}, date(2026, 11, 30), False),
        ({"date": "1923", "release-date": "1922"}, date(2099, 1, 1), False),  # recorded after it was published
    ],
    ids=str,
)
def test_the_rule_of_dates_decides_and_never_without_the_composition(metadata: Any, day: date, free: bool) -> None:
    found = origin_of(**metadata)
    assert found is not None
    alone = {term.territory for term in free_in(found, day)}
    assert not alone, "what the Archive says of a record says nothing of the song"
    song = replace(found, composition_published=PRINTED, writers_died=DEAD)
    assert ("US" in {term.territory for term in free_in(song, day)}) is free


# Licences


def collected(licence: str) -> InternetArchiveSource:
    settings = msgspec.json.encode({"collections": {"c": {"identifier": "c", "licenseurl": licence}}})
    source = open_source("internetarchive.x", settings)
    assert isinstance(source, InternetArchiveSource)
    return source


def test_an_items_own_statement_is_of_level_2_and_a_collections_of_level_1() -> None:
    files = [original("1.flac")]
    own, _ = said(record(files, licenseurl=BY, collection=["c"]), collected(BY_NC))
    assert [(one.uri, one.level, one.by) for one in own.licences] == [
        (BY, Level.PLATFORM, "internetarchive.x"),
        (BY_NC, Level.THIRD_PARTY, "collection:c"),
    ]
    found = resolve(own.licences)
    assert found.licence is not None and (found.licence.code, found.level) == ("CC-BY-4.0", 2)
    alone, _ = said(record(files, collection=["c"]), collected(BY))
    assert resolve(alone.licences).level == Level.THIRD_PARTY, "not enough for any byte"
    elsewhere, _ = said(record(files, collection=["d"]), collected(BY))
    assert not elsewhere.licences


@pytest.mark.parametrize(
    ("licenseurl", "rights", "code"),
    [
        (BY, "", "CC-BY-4.0"),
        ([BY, BY_NC], "", ""),
        (BY, "CC BY-NC 4.0, please", ""),
        (BY, "All rights reserved", ""),
        (BY, "Thanks to the band", "CC-BY-4.0"),
        ("", BY, "CC-BY-4.0"),
        ("", "free for everybody", ""),
        ("http://creativecommons.org/licenses/publicdomain/", "", "CC-PDDC"),
        ("https://example.org/my-licence", "", ""),
    ],
)
def test_what_is_stated_twice_and_differently_is_no_licence(licenseurl: Any, rights: str, code: str) -> None:
    release, _ = said(record([original("1.flac")], licenseurl=licenseurl, rights=rights))
    found = resolve(release.licences)
    assert (found.licence.code if found.licence else "") == code


# Limits


@pytest.mark.parametrize(
    ("metadata", "root", "limits"),
    [
        ({"collection": ["etree", "stream_only"]}, {}, ("stream-only",)),
        ({"collection": "stream_only"}, {}, ("stream-only",)),
        ({"collection": ["samples_only"]}, {}, ("restricted",)),
        ({"access-restricted-item": "true"}, {}, ("restricted",)),
        ({"noindex": "true"}, {}, ("private",)),
        ({}, {"nodownload": True}, ("no-download",)),
        ({"noindex": "false", "access-restricted-item": "false"}, {"nodownload": False}, ()),
    ],
)
def test_marks_of_the_archive_are_limits(metadata: Any, root: Any, limits: tuple[str, ...]) -> None:
    release, tracks = said(record([original("1.flac")], root, licenseurl=BY, **metadata))
    assert release.limits == limits == tracks[0].limits
    assert set(limits) <= set(LIMITS)


def test_an_item_that_went_dark_says_nothing() -> None:
    assert not list(SOURCE.interpret(record([original("1.flac")], {"is_dark": True})))


def test_of_a_private_original_another_open_one_is_offered_and_without_one_none() -> None:
    files = [original("1.flac", private="true"), original("1.mp3"), original("2.flac", private="true")]
    files += [{"name": "2.mp3", "source": "derivative", "original": "2.flac", "format": "VBR MP3"}]
    one = record(files, licenseurl=BY)
    release, tracks = said(one)
    assert [track.limits for track in tracks] == [(), ("no-download",)]
    assert [one.name for one in candidates(SOURCE, one, [release, *tracks])] == ["1.mp3"]


# Tracks and files


def test_formats_of_one_name_are_one_track_with_the_whole_one_first() -> None:
    names = ["a/2.mp3", "a/2.ogg", "a/2.flac", "a/10.mp3", "a/1.opus", "b/1.wav", "b/1.flac"]
    _, tracks = said(record([original(name) for name in names]))
    assert [[file.name for file in one.files] for one in tracks] == [
        ["a/1.opus"],
        ["a/2.flac", "a/2.mp3", "a/2.ogg"],
        ["a/10.mp3"],
        ["b/1.flac", "b/1.wav"],
    ]
    assert [one.id for one in tracks] == ["x/a/1", "x/a/2", "x/a/10", "x/b/1"]


def test_a_format_that_is_added_later_does_not_change_the_tracks_id() -> None:
    _, before = said(record([original("1.mp3")]))
    _, after = said(record([original("1.mp3"), original("1.flac")]))
    assert before[0].id == after[0].id and after[0].files[0].name == "1.flac"


def test_transfers_without_a_chosen_one_are_one_track_too() -> None:
    tags = {"album": "Side", "artist": "Ann", "track": "01"}
    names = ["_78_side_01_3.8_ct_flat.flac", "_78_side_02_2.3_ct_eq.flac", "_78_side_03_2.8_ct_eq.flac"]
    _, tracks = said(record([original(name, **tags) for name in names]))
    assert [(one.title, one.files[0].name) for one in tracks] == [("Side", names[1])]
    _, tracks = said(record([original(name) for name in names]))
    assert len(tracks) == 3, "nothing tells that they are of one side"


@pytest.mark.parametrize(
    ("files", "places"),
    [
        ([("d1t01.shn", ""), ("d2t01.shn", "")], [(1, 1), (2, 1)]),
        ([("CD 2/a.flac", "1"), ("CD 1/b.flac", "1/9")], [(1, 1), (2, 1)]),
        ([("b.mp3", "1"), ("a.mp3", "2")], [(1, 1), (1, 2)]),
        ([("a.mp3", "1"), ("b.mp3", "1")], [(1, 1), (1, 2)]),
        ([("a.mp3", "x"), ("b.mp3", "²")], [(1, 1), (1, 2)]),
        ([("9" * 400 + ".mp3", "9" * 5_000)], [(1, 1)]),
    ],
)
def test_disc_and_position(files: list[tuple[str, str]], places: list[tuple[int, int]]) -> None:
    _, tracks = said(record([original(name, **({"track": track} if track else {})) for name, track in files]))
    assert [(one.disc, one.position) for one in tracks] == places


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("x_itemimage.jpg", "cover"),
        ("Front.png", "cover"),
        ("art/cover 2.jpg", "cover"),
        ("discovery.jpg", "other"),
        ("label.tif", "other"),
        ("notes.pdf", "booklet"),
        ("rip.log", "log"),
        ("disc.cue", "cue"),
        ("LICENSE.txt", "licence"),
        ("info.txt", "other"),
        ("x_meta.xml", None),
        ("x_files.xml", None),
        ("x_reviews.xml", None),
        ("x_archive.torrent", None),
        ("somebody@private.example.txt", None),
    ],
)
def test_roles_of_what_lies_beside_the_music(name: str, role: str | None) -> None:
    release, _ = said(record([original("1.flac"), original(name), original("z/other.jpg"), original("y.jpg")]))
    assert next((file.role for file in release.files if file.name == name), None) == role


def test_one_picture_alone_is_the_cover_whatever_its_name() -> None:
    release, _ = said(record([original("1.flac"), original("photo.jpg")]))
    assert [file.role for file in release.files] == ["cover"]


def test_torrents_are_left_alone() -> None:
    torrent = {"name": "x_archive.torrent", "source": "metadata", "format": "Archive BitTorrent", "btih": "a" * 40}
    one = record([original("1.flac"), torrent], licenseurl=BY)
    told = list(SOURCE.interpret(one))
    assert "torrent" not in repr(told) and "a" * 40 not in repr(told)


def test_names_of_files_are_addresses_as_the_archive_has_them() -> None:
    _, tracks = said(record([original("a b/50% #1?é.flac")]))
    assert tracks[0].files[0].url == "https://archive.org/download/x/a%20b/50%25%20%231%3F%C3%A9.flac"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("337.18", 337_180),
        ("05:37", 337_000),
        ("1:05:37", 3_937_000),
        ("0", None),
        ("", None),
        ("-3", None),
        ("nan", None),
        ("1e9", None),
        ("9999999", None),
        ("99999:00", None),
        ("٣٣", None),
    ],
)
def test_lengths(text: str, found: int | None) -> None:
    assert milliseconds(text) == found


@pytest.mark.parametrize(
    ("metadata", "root", "title", "others"),
    [
        ({}, {}, "One", False),
        ({}, {"roles": {"performer": ["Ann"], "writer": ["Bo"]}}, "One", True),
        ({}, {"roles": {"performer": ["Ann"], "writer": ["Ann"]}}, "One", False),
        ({"composer": "Bo"}, {}, "One", True),
        ({"composer": "ann"}, {}, "One", False),
        ({"description": "<b>Performer:</b> Ann<br /><b>Writer:</b> Bo"}, {}, "One", True),
        ({"description": "The writer: Bo"}, {}, "One", False),
        ({}, {}, "One (Bo Remix)", True),
        ({}, {}, "One (Bo cover)", True),
    ],
)
def test_whether_the_composition_is_somebody_elses(metadata: Any, root: Any, title: str, others: bool) -> None:
    _, tracks = said(record([original("1.flac", title=title)], root, licenseurl=BY, **metadata))
    assert tracks[0].composition_by_others is others


# Strangers' bytes


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"{}", b'{"metadata":[]}', b'{"metadata":"x"}', b"[" * 100_000, b'{"metadata":' * 50_000],
    ids=["empty", "cut", "list", "nothing", "list within", "text within", "deep", "deeper"],
)
def test_what_is_no_item_is_said(payload: bytes) -> None:
    with pytest.raises(BadInput, match="record internetarchive"):
        list(SOURCE.interpret(Record("internetarchive.x", "x", "", "", payload)))


@pytest.mark.parametrize("settings", [b"", b"[]", b"{}", b'{"collections":[]}', b'{"collections":{"c":"BY"}}'])
def test_settings_that_are_none_are_said(settings: bytes) -> None:
    with pytest.raises(BadInput, match=SETTINGS):
        open_source("internetarchive.x", settings)


def test_any_shape_of_an_item_is_read_or_refused() -> None:
    """Values of wrong kinds in every place of a real form: an answer or BadInput, and nothing lost that has a text."""
    draw = random.Random(20_28)
    values: list[Any] = [
        None,
        "",
        "x",
        7,
        1.5,
        True,
        [],
        ["a", None, "b"],
        {"k": "v"},
        [["n"]],
        "\0\u202e",
        "9" * 400,
        -1,
    ]
    fields = (
        "title",
        "creator",
        "date",
        "collection",
        "genre",
        "licenseurl",
        "rights",
        "external-identifier",
        "language",
    )
    leaves = (
        "name",
        "source",
        "format",
        "title",
        "track",
        "length",
        "size",
        "original",
        "private",
        "bitrate",
        "artist",
    )
    for _ in range(3_000):
        files = [{leaf: draw.choice(values) for leaf in draw.sample(leaves, 5)} for _ in range(3)]
        files += [original(f"{draw.choice('ab')}.{draw.choice(('flac', 'mp3', 'jpg'))}", title=draw.choice(("", "T")))]
        root = (
            {draw.choice(("roles", "files", "reviews", "is_dark")): draw.choice(values)} if draw.random() < 0.1 else {}
        )
        one = record(files, root, **{name: draw.choice(values) for name in draw.sample(fields, 4)})
        told = list(SOURCE.interpret(one))
        assert len({description.id for description in told}) == len(told)
        candidates(SOURCE, one, told)
        measure(SOURCE, [one])


@pytest.mark.parametrize("alike", [True, False])
def test_an_item_of_very_many_files_takes_no_longer_for_each(alike: bool) -> None:
    began, ids = time.process_time(), dict[str, int]()
    names = [distinct("x/a" if alike else f"x/{n}", "x/a.mp3" if alike else f"x/{n}.mp3", ids) for n in range(20_000)]
    assert len(set(names)) == 20_000 and time.process_time() - began < 5  # looking through all before it took minutes
    assert names[:4] == (["x/a", "x/a.mp3", "x/a.mp3 2", "x/a.mp3 3"] if alike else ["x/0", "x/1", "x/2", "x/3"])
