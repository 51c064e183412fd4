"""Tokens for people, digests for their words, and dated observations."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from phonolith.errors import UsageError
from phonolith.store.observations import Observation, Observations
from phonolith.store.private import PrivateStore

NOW = "2026-01-02T03:04:05Z"


def test_a_person_has_one_token_that_says_nothing(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "p") as store:
        token = store.actor_token("Ada")
        assert store.actor_token("Ada") == token != store.actor_token("Bob")
        assert len(token) == 20 and "Ada" not in token
    with PrivateStore(tmp_path / "p") as store:
        assert store.actor_token("Ada") == token and store.actor_name(token) == "Ada"
        assert store.erase_actor(token) and not store.erase_actor(token)
        assert store.actor_name(token) is None
        assert store.actor_token("Ada") != token  # the old token can no longer be linked to her
    with PrivateStore(tmp_path / "q") as other:
        assert other.actor_token("Ada") != token


def test_a_text_is_a_keyed_digest_elsewhere(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "p") as store, PrivateStore(tmp_path / "q") as other:
        digest = store.keep_text("please remove my song")
        assert store.text_digest("please remove my song") == digest != other.text_digest("please remove my song")
        assert store.text(digest) == "please remove my song" and store.text("0" * 64) is None
        assert store.erase_text(digest) and store.text(digest) is None and not store.erase_text(digest)


def test_names_no_text_file_could_hold_are_people_too(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "p") as store:
        token = store.actor_token("bad\udcff")
        assert store.actor_token("bad\udcff") == token
        assert store.text(store.keep_text("bad\udcff\0")) == "bad\\udcff\0"


def test_randomness_is_passed_in_and_the_file_is_the_owners(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "p", random=lambda count: b"\1" * count) as store:
        assert store.actor_token("Ada") == "01" * 10
    assert stat.S_IMODE((tmp_path / "p").stat().st_mode) == 0o600


def test_observations_are_kept_in_order(tmp_path: Path) -> None:
    one, two = "1" * 64, "2" * 64
    with Observations(tmp_path / "o") as store:
        store.add(one, "fixity", "phonolith", "1", NOW, {"ok": True})
        store.add(two, "fixity", "phonolith", "1", NOW, {"ok": False})
        store.add(one, "decode", "av", "18", NOW, [1, "zwei", None])
        store.add(one, "fixity", "phonolith", "2", NOW, {"ok": None})
        assert [o.kind for o in store.of(one)] == ["fixity", "decode", "fixity"]
        assert store.latest(one, "fixity") == Observation(one, "fixity", "phonolith", "2", NOW, {"ok": None})
        assert store.latest(two, "decode") is None
        assert len(list(store.all())) == 4 and [o.subject for o in store.all("fixity")] == [one, two, one]


@pytest.mark.parametrize(("subject", "value"), [("zz", 1), ("1" * 64, float("nan")), ("1" * 64, object())])
def test_impossible_observations_are_refused(tmp_path: Path, subject: str, value: object) -> None:
    with Observations(tmp_path / "o") as store, pytest.raises(UsageError):
        store.add(subject, "fixity", "t", "1", NOW, value)
