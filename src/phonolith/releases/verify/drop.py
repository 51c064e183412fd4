"""Removes from a copy what was withdrawn: only a file whose own bytes are those that the list names."""

from __future__ import annotations

import os
from dataclasses import dataclass

from phonolith.errors import BadInput, PhonolithError
from phonolith.releases.verify.check import Checked
from phonolith.releases.verify.listing import open_file
from phonolith.releases.verify.withdrawals import Withdrawals
from phonolith.store.files import fsync_dir, storage_errors
from phonolith.store.passport import Passporter

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Dropped:
    """A withdrawn file of a copy: ``problem`` says why it is still there, "" if it is not."""

    path: str
    size: int
    event: str
    ground: str
    problem: str = ""


def drop(checked: Checked, withdrawals: Withdrawals) -> list[Dropped]:
    """Delete the files of a copy that the lists name and that are there; each is read first, and stays if it differs.

    An archive is left alone: its own `verify` drops, so that its ledger knows. Raises nothing: what could not be
    removed says why.
    """
    found = []
    for verdict in checked.verdicts:
        if verdict.verdict not in ("withdrawn", "expunged") or verdict.size is None:
            continue
        told = withdrawals.of(checked.copy.expected[verdict.path])
        place = checked.copy.listing.find(verdict.path)
        if told is not None and place is not None:
            problem = _drop(checked, place, {told.root, told.sha256})
            found.append(Dropped(verdict.path, verdict.size, told.event, told.ground, problem))
    return found


def _drop(checked: Checked, place: str, digests: set[str]) -> str:
    if checked.copy.kind == "archive":
        return "it is an object of an archive, where phonolith verify without PATH drops it"
    path = checked.copy.root / place
    try:
        with storage_errors(path):
            descriptor = open_file(path)
            with os.fdopen(descriptor, "rb") as file:
                passporter = Passporter()
                while data := file.read(_CHUNK):
                    passporter.update(data)
                before = os.fstat(descriptor)
            told = passporter.finish()
            if digests.isdisjoint({told.sha256.hex(), told.root.hex()} - {""}):
                return "its bytes are not those that were withdrawn"
            if not os.path.samestat(path.lstat(), before):
                raise BadInput(str(path), "it was replaced while it was read")
            path.unlink()
            fsync_dir(path.parent)
    except PhonolithError as error:
        return error.problem
    return ""
