"""What we ask beside what the origins take: their own lists of parameters, and requests whose answers were kept."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from phonolith.sources import listenbrainz_asking
from phonolith.sources.gathering import Question
from phonolith.sources.internetarchive import SOURCE as ARCHIVE
from phonolith.sources.musicbrainz_asking import ENTITIES, lookup_address
from phonolith.sources.oaipmh import SOURCE as OAI
from phonolith.sources.oaipmh import _first, _following

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
#: What ``inc`` may say in a look-up, as MusicBrainz's own definitions of its web service have it, by kind of entity.
TAKEN = {
    "recording": "artists releases artist-credits isrcs aliases release-groups work-level-rels",
    "release": "artists labels recordings release-groups aliases artist-credits discids media isrcs"
    " recording-level-rels work-level-rels",
    "release-group": "artists releases artist-credits aliases",
}
RELATIONS = "area artist event instrument label place recording release release-group series url work"
#: Of these each needs the other: without it the service answers 400.
NEEDS = {"isrcs": {"recordings"}, "recording-level-rels": {"recordings"}, "work-level-rels": {"work-rels"}}


def included(kind: str) -> set[str]:
    query = parse_qs(urlsplit(lookup_address("https://musicbrainz.org", kind, MBID)).query)
    assert query["fmt"] == ["json"] and set(query) == {"fmt", "inc"}
    return set(query["inc"][0].split())


@pytest.mark.parametrize("kind", ENTITIES)
def test_a_look_up_asks_for_what_the_web_service_takes(kind: str) -> None:
    taken = set(TAKEN.get(kind, "aliases").split()) | {f"{one}-rels" for one in RELATIONS.split()}
    asked = included(kind)
    assert asked <= taken
    assert not asked & {"tags", "genres", "ratings", "annotation"}, "not ours to pass on"
    for one, needed in NEEDS.items():
        assert one not in asked or kind == "recording" or needed <= asked


def test_words_of_look_ups_occur_in_requests_whose_answers_were_kept(shared_data: Path) -> None:
    """Those that were asked of a real server with a release or a recording; the rest is in its definitions only."""
    index = (shared_data / "musicbrainz-server" / "derived" / "INDEX.tsv").read_text("utf-8")
    found = re.findall(r"ws/2: (release|recording)(?:/[0-9a-f-]{36})?\?\S*inc=(\S+)", index)
    seen = {(kind, word) for kind, words in found for word in re.split(r"[+&]", words)}
    for kind, words in (
        ("release", ("artist-credits", "discids", "labels", "media", "recordings", "release-groups")),
        ("release", ("recording-level-rels", "work-level-rels", "aliases")),
        ("recording", ("artist-credits", "isrcs", "work-level-rels", "work-rels")),
    ):
        for word in words:
            assert (kind, word) in seen and word in included(kind), word


def test_a_list_of_the_archive_is_asked_by_parameters_of_its_scraping_api() -> None:
    """Those there are: q, fields, sorts, count (at least 100), cursor, total_only."""
    *_, task = ARCHIVE.begin({"collection": ("netlabels",)}, "https://archive.org", "2026-01-31")
    query = parse_qs(urlsplit(task.address).query)
    assert urlsplit(task.address).path == "/services/search/v1/scrape"
    assert set(query) == {"q", "fields"} and query["fields"] == ["identifier,oai_updatedate"]


def test_a_resumption_token_stands_alone_and_dates_have_the_repositorys_form() -> None:
    """OAI-PMH 2.0, sections 3.3 and 3.5: the token is an exclusive argument; from is of the granularity it states."""
    wish = {"url": ("https://music.example.org/oai",), "set": ("sound",)}
    (identify,) = OAI.begin(wish, "", "2026-01-31T10:00:00Z")
    question = Question("oaipmh.x", identify, wish, "", "2026-01-31T10:00:00Z", "2026-02-01T00:00:00Z")
    assert parse_qs(urlsplit(identify.address).query) == {"verb": ["Identify"]}
    for granularity, since in (("YYYY-MM-DD", "2026-01-31"), ("YYYY-MM-DDThh:mm:ssZ", "2026-01-31T10:00:00Z")):
        first = parse_qs(urlsplit(_first(question, granularity, 0).address).query)
        assert first == {"verb": ["ListRecords"], "metadataPrefix": ["oai_dc"], "set": ["sound"], "from": [since]}
    token = "a b/c?d=#&+"  # section 3.1.1.3: these are written as escapes
    following = urlsplit(_following(question, token).address).query
    assert parse_qs(following) == {"verb": ["ListRecords"], "resumptionToken": [token]} and " " not in following


def test_counts_are_asked_by_the_thousand_and_charts_by_what_there_is(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"{MBID[:-4]}{n:04x}" for n in range(1001)))
    for option, kind in (("recordings", "recording"), ("artists", "artist"), ("releases", "release")):
        first, second = listenbrainz_asking.first_tasks({option: (str(names),)}, listenbrainz_asking.SITE)
        assert first.address == second.address == f"https://api.listenbrainz.org/1/popularity/{kind}"
        assert (len(first.mark.split()), len(second.mark.split())) == (1000, 1)
    charts = listenbrainz_asking.first_tasks({"top": ("this_month",)}, "")
    paths = {urlsplit(one.address).path for one in charts}
    assert paths == {f"/1/stats/sitewide/{one}" for one in ("recordings", "artists", "releases", "release-groups")}
