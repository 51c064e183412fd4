"""The sample catalogue is what its users count on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import apsw

from tests.sample import RELEASES, make_catalogue, sample_objects


def test_sample_is_a_sound_catalogue(tmp_path: Path) -> None:
    ids = make_catalogue(tmp_path / "c.sqlite")
    db = apsw.Connection(str(tmp_path / "c.sqlite"))
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("SELECT count(*) FROM track").fetchone() == (sum(len(r.tracks) for r in RELEASES.values()),)
    assert len(set(ids.values())) == len(ids) == 83
    held = {row[0].hex() for row in db.execute("SELECT sha256 FROM object")}
    objects = sample_objects()
    assert held == set(objects)
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in objects.items())
