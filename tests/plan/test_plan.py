"""What is planned: what may be held and is not, nothing else, the same each time; and what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.catalogue.build import build
from phonolith.errors import BadInput
from phonolith.model.ids import public_id
from phonolith.model.progress import Silent
from phonolith.model.rights import Decision
from phonolith.plan.plan import Wish
from phonolith.rights.gate import Policy
from phonolith.store import worklist
from phonolith.store.archive import Archive
from phonolith.store.passport import passport_of
from tests.plan.worlds import (
    HELD_OPEN,
    NOW,
    REENCODED,
    SPOKEN,
    every_licence,
    named,
    planned,
    release,
    track,
    world,
)

PLENTY = 10**12
SAID = every_licence()
NAMES = [one["id"] for one in SAID]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return world(tmp_path_factory.mktemp("everything"), SAID)


def allowed(name: str) -> bool:
    licence, level = name.rsplit("-", 1)
    return licence in HELD_OPEN and int(level) >= 2


def test_only_what_may_be_held_is_planned_and_no_derivatives_only_whole(everything: Archive) -> None:
    for budget in (PLENTY, 6_000_000):
        told, lines = planned(everything, Wish(budget))
        found = named(lines, NAMES)
        assert all(allowed(name) for name in found) and told.bytes[2] <= budget
        for name, line in found.items():
            assert line.tier == "original" or name.rsplit("-", 1)[0] in REENCODED
        if budget == PLENTY:
            assert sorted(found) == sorted(filter(allowed, NAMES)) and told.left == 0
            assert {line.tier for line in lines} == {"original"}
        else:
            assert {line.tier for line in lines} == {"access"} and told.left == told.candidates - len(lines)
    assert told.denied == len(NAMES) - sum(map(allowed, NAMES))


def test_a_gate_that_said_yes_to_everything_would_be_noticed(everything: Archive) -> None:
    def yes(use: Any, *_: Any, **__: Any) -> Decision:
        return Decision(use, True, ("yes",))

    _, lines = planned(everything, Wish(10_500_000), gate=yes)
    found = named(lines, NAMES)
    _, whole = planned(everything, Wish(PLENTY), gate=yes)
    assert not all(allowed(name) for name in named(whole, NAMES))
    assert any(line.tier == "access" and name.startswith("by-nd") for name, line in found.items())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.sampled_from(NAMES), max_size=6),
    st.booleans(),
    st.sampled_from(["", "DE"]),
    st.sampled_from(["listens", "rarity", "mixed"]),
)
def test_what_is_withdrawn_attested_or_revoked_since_the_build_counts_at_once(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], attested: bool, place: str, target: str
) -> None:
    """Over licences, withdrawals, attestations and places; each archive is built before any of it is decided."""
    archive = _copied(tmp_path_factory)
    ids = sorted(public_id(SPOKEN, name) for name in names)
    with archive.register() as register:
        if ids and attested:
            body = {"subjects": ids, "licence": "https://creativecommons.org/licenses/by/4.0/", "as": "licensee"}
            register.append("rights.attested", {**body, "because": "we know"}, actor="x", time=NOW)
        elif ids:
            body = {"subjects": ids, "ground": "law", "because": "a court"}
            register.append("item.withdrawn", body, actor="x", time=NOW)
    _, lines = planned(archive, Wish(PLENTY, target), policy=Policy(place))
    found = set(named(lines, NAMES))
    if attested:
        stronger = {name for name in names if not name.startswith("reserved")}
        assert stronger - {name for name in stronger if name.endswith("-4")} <= found
        assert found - names == {name for name in NAMES if allowed(name)} - names
    else:
        assert found == {name for name in NAMES if allowed(name)} - names


_MADE: list[Path] = []


def _copied(factory: pytest.TempPathFactory) -> Archive:
    """The same archive again, with an empty register."""
    import shutil

    if not _MADE or not _MADE[0].exists():
        _MADE[:] = [world(factory.mktemp("template"), SAID).root]
    root = factory.mktemp("copy") / "archive"
    shutil.copytree(_MADE[0], root)
    return Archive.open(root)


def test_the_same_catalogue_gives_the_same_list_however_it_is_sorted(everything: Archive, tmp_path: Path) -> None:
    first, second, third = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    told, _ = planned(everything, Wish(6_000_000, "mixed"), first)
    planned(everything, Wish(6_000_000, "mixed"), second)
    planned(everything, Wish(6_000_000, "mixed"), third, run=3)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()
    assert told.end.sha256 in first.read_text("utf-8").splitlines()[-1]


def test_nothing_to_fetch_is_an_empty_list_that_says_so(tmp_path: Path) -> None:
    archive = world(tmp_path, [track("a", "none"), track("b", files=[])])
    told, lines = planned(archive, Wish(PLENTY))
    assert not lines and told.end.items == 0 and told.filled.gap == 0
    assert told.rest == {"no_licence": 1, "no_source": 1}


def test_rare_things_and_those_at_risk_go_first_where_that_is_the_target(tmp_path: Path) -> None:
    two = [{"role": "audio", "name": "x.flac", "url": f"http://127.0.0.1:9/{n}.flac"} for n in range(2)]
    said = [track("heard", files=two, popularity=90.0), track("rare", popularity=1.0), track("risk", popularity=0.0)]
    archive = world(tmp_path, said)
    names = ["heard", "rare", "risk"]
    assert list(named(planned(archive, Wish(PLENTY))[1], names)) == ["heard", "rare", "risk"]
    from phonolith.plan.surroundings import Surroundings

    around = Surroundings(flagged={public_id(SPOKEN, "risk")})
    told, lines = planned(archive, Wish(PLENTY, "rarity"), around=around)
    assert list(named(lines, names)) == ["risk", "rare", "heard"] and told.at_risk == 1
    absent = Surroundings(absent={"http://127.0.0.1:9/rare.flac"})
    told, lines = planned(archive, Wish(PLENTY), around=absent)
    assert list(named(lines, names)) == ["heard", "risk"] and told.rest["absent"] == 1


def test_what_is_held_is_not_planned_again_but_a_copy_of_it_may_be(tmp_path: Path) -> None:
    archive = world(tmp_path, [track("a"), track("nd", "by-nd"), track("b")])
    for name in ("a", "nd"):
        _hold(archive, name, b"fLaC" + name.encode() * 1000)
    build(archive, as_of=None, progress=Silent(), workers=1)
    told, lines = planned(archive, Wish(PLENTY))
    found = named(lines, ["a", "nd", "b"])
    assert {name: line.tier for name, line in found.items()} == {"b": "original", "a": "copy"}
    assert found["a"].address == "" and told.rest["held"] == 2 and told.lacking == 1
    _, lines = planned(archive, Wish(PLENTY, originals=True))
    assert list(named(lines, ["a", "nd", "b"])) == ["b"]


def _hold(archive: Archive, name: str, data: bytes) -> None:
    """As if it had been fetched."""
    import msgspec

    from phonolith.model.record import Record
    from phonolith.sources.payloads import Fetched

    address = f"http://127.0.0.1:9/{name}.flac"
    told = Fetched(passport_of(data).sha256.hex(), len(data), "audio/flac")
    with archive.objects() as objects, archive.records() as store:
        objects.add_bytes(data, "audio/flac")
        store.put_many([Record("media.mirror.label", address, address, NOW, msgspec.json.encode(told))])


def test_a_release_that_is_withdrawn_takes_its_tracks_along(tmp_path: Path) -> None:
    archive = world(tmp_path, [release("other"), track("a"), track("b", release="other")])
    with archive.register() as register:
        body = {"subjects": [public_id(SPOKEN, "other")], "ground": "owner", "because": "asked"}
        register.append("item.withdrawn", body, actor="x", time=NOW)
    told, lines = planned(archive, Wish(PLENTY))
    assert list(named(lines, ["a", "b"])) == ["a"] and told.rest["hidden"] == 1


BROKEN = {
    "empty": lambda text: b"",
    "no end": lambda text: b"\n".join(text.split(b"\n")[:-2]) + b"\n",
    "cut in a line": lambda text: text[:-20],
    "a line less": lambda text: b"\n".join([*text.split(b"\n")[:2], *text.split(b"\n")[3:]]),
    "another address": lambda text: text.replace(b"127.0.0.1", b"127.0.0.2", 1),
    "another order": lambda text: b"\n".join(
        [text.split(b"\n")[0], *text.split(b"\n")[2:0:-1], *text.split(b"\n")[3:]]
    ),
    "no list": lambda text: b'{"a": 1}\n{"b": 2}\n',
    "endless": lambda text: b"x" * (1 << 17),
    "deep": lambda text: b"[" * 60_000 + b"\n",
}


@pytest.mark.parametrize("how", BROKEN.values(), ids=BROKEN)
def test_a_list_that_was_changed_is_refused_before_anything_is_done_by_it(
    everything: Archive, tmp_path: Path, how: Any
) -> None:
    path = tmp_path / "list"
    planned(everything, Wish(PLENTY), path)
    worklist.check(path)
    path.write_bytes(how(path.read_bytes()))
    with pytest.raises(BadInput):
        worklist.check(path)


def test_the_format_is_what_the_reference_says(everything: Archive, tmp_path: Path) -> None:
    path = tmp_path / "list"
    planned(everything, Wish(6_000_000), path)
    head, first, *_, end = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    page = (Path(__file__).parents[2] / "docs/reference/plan.md").read_text("utf-8")
    assert head["format"] == "phonolith work list 1"
    for name in (*head, *first, *end):
        assert f"`{name}`" in page, name
