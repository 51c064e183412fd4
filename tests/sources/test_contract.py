"""What every source must do, tested alike: terms, purity, golden descriptions, round trip, nothing private."""

from __future__ import annotations

import json
import pickle
import re
import socket
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phonolith.errors import BadInput, NotFound, SettingError
from phonolith.model.record import Record
from phonolith.rights.licences import parse
from phonolith.sources.base import SETTINGS, ReadsMany, Source, Terms, collection_name, load, open_source, register
from phonolith.sources.roundtrip import measure

GOLDEN = Path(__file__).parent / "golden"
MAIL = "somebody@private.example"
_SEEN = "2026-01-02T03:04:05Z"
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")

#: Per source: a settings payload (or none) and records that name an e-mail address where real ones do.
SAMPLES: dict[str, tuple[bytes | None, list[tuple[str, Any]]]] = {
    "folder": (
        b'{"kind":"collection","title":"Music","root":"/home/somebody@private.example"}',
        [
            (
                "Ann/Hav/01 Blå.flac",
                {
                    "kind": "track",
                    "release": "Ann/Hav/",
                    "disc": 0,
                    "file": {
                        "role": "audio",
                        "name": "01 Blå.flac",
                        "sha256": "a" * 64,
                        "size": 9,
                        "media_type": "audio/flac",
                    },
                    "audio": {
                        "format": "FLAC",
                        "codec": "flac",
                        "duration_ms": 1000,
                        "sample_rate": 44100,
                        "channels": 2,
                    },
                    "tags": {
                        "title": ["Blå"],
                        "artist": ["Ann"],
                        "album": ["Hav"],
                        "track": ["1/9"],
                        "year": ["2001"],
                        "genre": ["Folk; Pop"],
                        "isrc": ["SEABC0500001"],
                        "comment": [f"bought by {MAIL}"],
                        "ownr": [MAIL],
                        "apid": [MAIL],
                        "encoded_by": [MAIL],
                        "grouping": [f"for {MAIL}"],
                        "bpm": ["90"],
                    },
                    "sidecar": {
                        "file": "tracks.csv",
                        "digest": "b" * 64,
                        "row": {"path": "Ann/Hav/01 Blå.flac", "composer": "Cy"},
                    },
                    "licences": [
                        {
                            "uri": "https://creativecommons.org/licenses/by/4.0/",
                            "level": 2,
                            "by": "licence-file",
                            "where": "LICENSE.md",
                            "digest": "c" * 64,
                        }
                    ],
                },
            ),
            (
                "Ann/Hav/",
                {
                    "kind": "release",
                    "folder": "Ann/Hav",
                    "discs": [[1, ""], [2, "Live"]],
                    "said": [
                        {"tags": {"album": ["Hav"], "artist": ["Ann"], "year": ["2001"], "label": ["L"]}, "count": 8},
                        {"tags": {"album": ["Hav"], "artist": ["Bo"]}, "count": 1},
                    ],
                    "files": [
                        {
                            "role": "cover",
                            "name": "front.jpg",
                            "sha256": "d" * 64,
                            "size": 7,
                            "media_type": "image/jpeg",
                        }
                    ],
                },
            ),
        ],
    ),
    "table": (
        b"""name = "x"\ntitle = "X"\nmetadata_licence = "CC0-1.0"\nprivate = ["uploader"]\nwithhold = ["stars"]
[[table]]\nname = "t"\nfile = "t.csv"\nkey = "id"
[table.track]\ntitle = "title"\nartist = "artist"\nlicence = "licence"\naudio = "url"\nduration = "s"
[table.track.origin]\npublished = "issued"\nwriters_died = "died"\n""",
        [
            (
                "t:1",
                {
                    "table": "t",
                    "row": {
                        "id": "1",
                        "title": "One",
                        "artist": "Ann",
                        "licence": "CC0-1.0",
                        "s": "61.5",
                        "issued": "1921-03",
                        "died": "1930",
                        "url": "https://x.example/1.mp3",
                        "uploader": MAIL,
                        "stars": "4",
                        "mood": "calm",
                        "memo": f"ask {MAIL}",
                    },
                },
            )
        ],
    ),
    "mirror": (
        b'{"speaks_for":"folder.x","origin":"A label","title":"Music","licence":"CC0-1.0","credit":"the label"}',
        [
            (
                "track:1",
                {
                    "source": "folder.x",
                    "kind": "track",
                    "said": {
                        "id": "Ann/Hav/01.flac",
                        "title": "One",
                        "release": "Ann/Hav/",
                        "credits": [{"name": "Ann"}, {"name": "Bo", "artist": "bo", "join": "", "role": "composer"}],
                        "duration_ms": 61000,
                        "licences": [{"uri": "https://creativecommons.org/licenses/by/4.0/", "level": 2, "by": "tag"}],
                        "files": [{"role": "audio", "name": "01.flac", "sha256": "a" * 64, "size": 9}],
                        "disambiguation": f"ask {MAIL}",
                        "popularity": 0.5,
                    },
                },
            ),
            (
                "release:1",
                {
                    "source": "folder.x",
                    "kind": "release",
                    "said": {"id": "Ann/Hav/", "title": "Hav", "labels": [{"name": "L"}], "media": [{"position": 1}]},
                },
            ),
            (
                "artist:1",
                {"source": "folder.x", "kind": "artist", "said": {"id": "ann", "name": "Ann", "aliases": ["Anna"]}},
            ),
        ],
    ),
    "musicbrainz": (
        None,
        [
            (
                "r.json",
                {
                    "id": "00000001-0000-4000-8000-000000000000",
                    "title": "One",
                    "length": 61000,
                    "video": False,
                    "isrcs": ["SEABC0500001"],
                    "first-release-date": "2001",
                    "annotation": f"ask {MAIL}",
                    "tags": [{"name": "pop", "count": 2}],
                    "user-tags": [{"name": "mine"}],
                    "rating": {"value": 4, "votes-count": 1},
                    "artist-credit": [
                        {
                            "name": "Ann",
                            "joinphrase": "",
                            "artist": {
                                "id": "00000002-0000-4000-8000-000000000000",
                                "name": "Ann",
                                "sort-name": "Ann",
                                "genres": [{"name": "pop"}],
                            },
                        }
                    ],
                },
            ),
            (
                "c.json",
                {
                    "id": "00000003-0000-4000-8000-000000000000",
                    "name": "mine",
                    "editor": MAIL,
                    "entity-type": "release",
                    "type": "Release",
                    "releases": [{"id": "00000004-0000-4000-8000-000000000000", "title": "Hav", "barcode": ""}],
                },
            ),
        ],
    ),
    "listenbrainz": (
        None,
        [
            (
                "popularity/recording/00000001-0000-4000-8000-000000000000",
                {
                    "recording_mbid": "00000001-0000-4000-8000-000000000000",
                    "total_listen_count": 1000,
                    "total_user_count": 10,
                    "recording_name": "One",
                },
            ),
            (
                "sitewide/artist/00000002-0000-4000-8000-000000000000",
                {
                    "artist_mbid": "00000002-0000-4000-8000-000000000000",
                    "artist_name": "Ann",
                    "listen_count": 7,
                    "listeners": [{"user_name": MAIL, "listen_count": 7}],
                },
            ),
        ],
    ),
    "oaipmh": (
        None,
        [
            (
                "oai:x.example:1",
                b"""<record xmlns="http://www.openarchives.org/OAI/2.0/"><header><identifier>oai:x.example:1</identifier>
<datestamp>2020-01-02T03:04:05Z</datestamp><setSpec>music</setSpec></header><metadata>
<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>One</dc:title><dc:title>Ett</dc:title><dc:creator>Ann</dc:creator><dc:creator>Bo</dc:creator>
<dc:contributor>Cy</dc:contributor><dc:contributor>somebody@private.example</dc:contributor><dc:date>2001</dc:date>
<dc:type>Sound</dc:type><dc:language>sv</dc:language><dc:publisher>Hav</dc:publisher>
<dc:identifier>https://x.example/1</dc:identifier><dc:identifier>doi:10.1/1</dc:identifier>
<dc:rights>https://creativecommons.org/licenses/by/4.0/</dc:rights></oai_dc:dc></metadata></record>""",
            )
        ],
    ),
    "feed": (
        None,
        [
            (
                "https://music.example/feed.xml",
                b"""<feed-part address="https://music.example/feed.xml" base="https://music.example/feed.xml"
 licences="cc-by-4.0" link="https://music.example/" medium="music"><channel
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0">
<title>Hav</title><link>https://music.example/</link><language>sv</language><description>All about us</description>
<managingEditor>somebody@private.example (Ann)</managingEditor><itunes:author>Ann</itunes:author>
<itunes:owner><itunes:name>Ann</itunes:name><itunes:email>somebody@private.example</itunes:email></itunes:owner>
<itunes:image href="cover.jpg"/><itunes:category text="Music"><itunes:category text="Folk"/></itunes:category>
<podcast:guid>917393e3-1b1e-5cef-ace4-edaa54e1f810</podcast:guid><podcast:medium>music</podcast:medium>
<podcast:license>cc-by-4.0</podcast:license><podcast:locked owner="somebody@private.example">no</podcast:locked>
<podcast:funding url="https://music.example/give">Give</podcast:funding>
<podcast:value type="lightning"><podcast:valueRecipient name="Ann" address="03ae" split="100"/></podcast:value>
</channel></feed-part>""",
            ),
            (
                "https://music.example/feed.xml 1",
                b"""<feed-part address="https://music.example/feed.xml" base="https://music.example/feed.xml"
 licences="cc-by-4.0" link="https://music.example/" medium="music"><item
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0">
<title>One</title><guid>1</guid><link>/1</link><pubDate>Fri, 09 Oct 2020 04:30:38 GMT</pubDate>
<author>somebody@private.example (Ann)</author><description>Write to somebody@private.example</description>
<itunes:duration>3:05</itunes:duration><itunes:explicit>no</itunes:explicit><itunes:episode>2</itunes:episode>
<podcast:person role="artist">Ann</podcast:person><podcast:person role="composer">Cy</podcast:person>
<podcast:person role="mixing">somebody@private.example</podcast:person>
<enclosure url="/1.mp3" length="7" type="audio/mpeg"/>
<podcast:license url="https://creativecommons.org/licenses/by/4.0/">cc-by-4.0</podcast:license>
<podcast:alternateEnclosure type="audio/flac" length="90" bitrate="900000"><podcast:source uri="/1.flac"/>
<podcast:integrity type="sri" value="sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="/></podcast:alternateEnclosure>
</item></feed-part>""",
            ),
        ],
    ),
    "media": (
        None,
        [
            (
                "https://x.example/1.flac",
                {
                    "sha256": "a" * 64,
                    "size": 9,
                    "media_type": "audio/flac",
                    "url": f"https://cdn.example/1.flac?for={MAIL}",
                    "etag": '"1"',
                    "description": "One",
                    "because": "Its licence permits it.",
                    "stated": {"size": "9"},
                },
            ),
            (
                f"https://x.example/{MAIL}/2.flac",
                {"sha256": "b" * 64, "size": 9, "description": "Ann"},
            ),
        ],
    ),
    "internetarchive": (
        b"""{"collections":{"netlabels":{"uploader":"somebody@private.example",
"licenseurl":"https://creativecommons.org/licenses/by-nc/4.0/"}}}""",
        [
            (
                "hav-2001",
                {
                    "metadata": {
                        "identifier": "hav-2001",
                        "mediatype": "audio",
                        "title": "Hav",
                        "creator": ["Ann", "Bo"],
                        "date": "2001-02-03",
                        "year": "2001",
                        "publisher": "Ebb",
                        "language": "swe",
                        "genre": "Folk",
                        "licenseurl": "https://creativecommons.org/licenses/by/4.0/",
                        "rights": f"ask {MAIL}",
                        "external-identifier": ["urn:upc:7391234567894", "urn:pubcat:ebb:E7", "urn:matrix_no:1-A"],
                        "collection": ["netlabels", "fav-cy"],
                        "uploader": MAIL,
                        "updater": "Cy",
                        "addeddate": "2001-03-04 05:06:07",
                    },
                    "roles": {"performer": ["Ann"], "writer": ["Bo"]},
                    "reviews": [{"reviewer": "Di", "reviewbody": "One of the best"}],
                    "files": [
                        {
                            "name": "01 One.flac",
                            "source": "original",
                            "format": "Flac",
                            "title": "One",
                            "track": "1/2",
                            "artist": "Ann;Bo",
                            "album": "Hav",
                            "length": "61.5",
                            "size": "900",
                            "md5": "a" * 32,
                            "sha1": "b" * 40,
                            "mtime": "1",
                        },
                        {"name": "01 One.wav", "source": "original", "format": "WAVE", "size": "1900"},
                        {
                            "name": "01 One.mp3",
                            "source": "derivative",
                            "format": "VBR MP3",
                            "original": "01 One.flac",
                            "title": "One",
                            "track": "1/2",
                            "length": "01:01",
                            "size": "90",
                        },
                        {
                            "name": "02.shn",
                            "source": "original",
                            "format": "Shorten",
                            "title": "Two",
                            "track": "02",
                            "private": "true",
                            "size": "800",
                        },
                        {"name": "front.jpg", "source": "original", "format": "JPEG", "size": "70", "rotation": "0"},
                        {"name": f"{MAIL}.txt", "source": "original", "format": "Text"},
                        {"name": "hav-2001_meta.xml", "source": "original", "format": "Metadata"},
                        {"name": "hav-2001_archive.torrent", "source": "metadata", "format": "Archive BitTorrent"},
                    ],
                    "files_count": 8,
                },
            ),
            ("netlabels", {"metadata": {"identifier": "netlabels", "mediatype": "collection", "title": "Hav"}}),
        ],
    ),
}


#: Sources that say nothing about the licence of a payload.
WITHOUT_LICENCES = {"musicbrainz", "listenbrainz", "media"}


def source_of(kind: str) -> Source:
    return open_source(f"{kind}.sample", SAMPLES[kind][0])


def records(kind: str) -> list[Record]:
    settings, payloads = SAMPLES[kind]
    first = [Record(f"{kind}.sample", SETTINGS, "", _SEEN, settings)] if settings else []
    data = ((item, one if isinstance(one, bytes) else msgspec.json.encode(one)) for item, one in payloads)
    return first + [Record(f"{kind}.sample", item, "", _SEEN, payload) for item, payload in data]


def tempting(payload: bytes) -> bytes:
    """The payload with characters in its texts that no column may have, as far as its form can write them."""
    text = payload.decode()
    if text.startswith("<"):
        return re.sub(">(Ann|One|Hav)<", r">\1&#x202e;&#x85;<", text).encode()
    return re.sub('"(Ann|One|Blå|Hav)"', r'"\1\\u0000\\u202e\\u001b"', text).encode()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No interpretation may open a socket."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("an interpretation went to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def test_every_installed_source_is_sampled_here() -> None:
    assert set(load()) == set(SAMPLES)


@pytest.fixture(params=sorted(SAMPLES))
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_terms_are_stated(kind: str) -> None:
    terms = load()[kind].terms
    assert terms.publish
    assert terms.payload_licences
    licence = source_of(kind).terms.metadata_licence
    assert licence == "" or parse(licence), "a licence that the parser knows, or none"


def test_interpretation_is_deterministic_and_survives_pickling(kind: str) -> None:
    source = source_of(kind)
    again = pickle.loads(pickle.dumps(source))
    for record in records(kind):
        first = list(source.interpret(record))
        assert first == list(source.interpret(record)) == list(again.interpret(record))
    assert (again.name, again.title) == (source.name, source.title)


def test_many_records_together_say_what_each_says_alone(kind: str) -> None:
    source = source_of(kind)
    if not isinstance(source, ReadsMany):
        return
    several = records(kind)
    alone = [repr(one) for record in several for one in source.interpret(record)]
    assert sorted(map(repr, source.interpret_many(several))) == sorted(alone)
    assert alone, "the samples say something"
    with pytest.raises(BadInput, match="record"):
        source.interpret_many([*several, Record(source.name, "x:1", "", "", b"[]")])


def test_golden_records_give_golden_descriptions(kind: str, request: pytest.FixtureRequest) -> None:
    """A change of what a source understands shows here first. Write anew with: PHONOLITH_GOLDEN=1 pytest ..."""
    import os

    source = source_of(kind)
    said = [
        {"item": record.item, "says": [{"is": type(one).__name__, **asdict(one)} for one in source.interpret(record)]}
        for record in records(kind)
    ]
    text = json.dumps(said, ensure_ascii=False, indent=1) + "\n"
    path = GOLDEN / f"{kind}.json"
    if os.environ.get("PHONOLITH_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_ids_are_unique_across_kinds(kind: str) -> None:
    source = source_of(kind)
    said = [one for record in records(kind) for one in source.interpret(record)]
    assert len({one.id for one in said}) == len(said)
    assert all(one.id for one in said)


def test_the_round_trip_loses_nothing(kind: str) -> None:
    found = measure(source_of(kind), records(kind))  # type: ignore[arg-type]
    assert found.lost == 0, found.examples
    assert found.private + found.withheld > 0
    assert found.share >= 0.8 or kind == "table"  # of a row of eight cells


def test_what_is_stated_about_rights_says_who_where_when_and_what_shows_it(kind: str) -> None:
    """Evidence that may open a door can be looked up: a SHA-256 of bytes that are held, and when they were seen."""
    said = [one for record in records(kind) for one in source_of(kind).interpret(record)]
    stated = [one for thing in said for one in getattr(thing, "licences", ())]
    stated += [one for thing in said if (one := getattr(thing, "origin", None))]
    assert stated or kind in WITHOUT_LICENCES
    for one in stated:
        assert one.by, one
        assert one.where, one
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one.date), one
        assert re.fullmatch("[0-9a-f]{64}", one.digest), one


def test_no_mail_address_comes_out(kind: str) -> None:
    source = source_of(kind)
    assert any(_MAIL.search(record.payload.decode()) for record in records(kind)), "the samples must tempt"
    for record in records(kind):
        for one in source.interpret(record):
            assert not _MAIL.search(repr(one)), one


def test_broken_payloads_are_refused_by_name(kind: str) -> None:
    source = source_of(kind)
    for payload in (b"", b"\xff\xfe", b"[]", b"{", b"null", b'"\xed\xa0\x80"'):
        with pytest.raises(BadInput, match="record"):
            list(source.interpret(Record(source.name, "x:1", "", "", payload)))


def test_texts_that_no_column_may_have_do_not_come_out(kind: str) -> None:
    """NUL, control and reordering characters, wherever a text is in a record."""
    source = source_of(kind)
    for record in (one for one in records(kind) if one.item not in (SETTINGS, "c.json")):
        payload = tempting(record.payload)
        assert b"202e" in payload, "the samples must tempt"
        for one in source.interpret(Record(record.source, record.item, "", "", payload)):
            shown = {name: value for name, value in asdict(one).items() if name != "remainder"}
            assert not set("\0\u202e\x1b\x85") & set(json.dumps(shown, ensure_ascii=False)), one
            assert "u0000" not in json.dumps(shown, ensure_ascii=False)


class Termless:
    """A source from elsewhere that forgot its terms."""

    name = "termless"
    title = "No terms"

    def interpret(self, record: Record) -> list[Any]:
        return []


class Fine(Termless):
    name = "fine"
    terms = Terms("", "none", publish=("**",))


TERMLESS, FINE = Termless(), Fine()


def point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{attribute}", "phonolith.sources")


def test_a_source_without_terms_is_refused_and_one_with_terms_is_not() -> None:
    with pytest.raises(SettingError, match="does not state its terms"):
        register(point("termless", "TERMLESS"))
    with pytest.raises(SettingError, match="cannot be loaded"):
        register(point("fine", "MISSING"))
    with pytest.raises(SettingError, match="calls itself"):
        register(point("other", "FINE"))
    assert register(point("fine", "FINE")) is FINE


def test_unknown_sources_and_names_are_refused() -> None:
    with pytest.raises(NotFound, match="spotted"):
        open_source("spotted.x")
    with pytest.raises(SettingError):
        collection_name("folder", "../x")
    with pytest.raises(BadInput, match="column map"):
        open_source("table.x", None)


def test_dispositions_by_pattern() -> None:
    terms = Terms("", "none", publish=("a/**", "b/*/c"), private=("**/mail",), withhold=("a/x/**",))
    asked = {
        "a": "publish",
        "a/q": "publish",
        "a/x": "withhold",
        "a/x/y": "withhold",
        "b/z/c": "publish",
        "b/c": "withhold",
        "a/mail": "private",
        "mail": "private",
        "q": "withhold",
        "ab": "withhold",
    }
    assert {path: terms.disposition(path.split("/")) for path in asked} == asked
