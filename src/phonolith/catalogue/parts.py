"""The parts that descriptions share: credits, sets of genres, labels, evidence, files and texts, each staged once."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import repeat

from phonolith.catalogue import staging
from phonolith.catalogue.staging_writer import Writer, fit
from phonolith.model.ids import all_uuids, genre_key, is_uuid, named_artist, named_label, pack_source_id
from phonolith.model.music import Credit, File, Label, LicenceStatement, Link, Origin
from phonolith.rights.evidence import Attestation, resolve

#: Codes of kinds, as in permalinks; the last is any thing that has no row but that of what is said of it.
TRACK, RELEASE, ARTIST, LABEL, THING = range(5)

_SEEN_AT_MOST = 1_000_000  # then what was written is forgotten; writing a row twice does no harm


def stored_id(source_id: str) -> tuple[str | None, str | None]:
    """A source id as (UUID, other text): what the catalogue packs into 16 bytes, and what it does not."""
    if is_uuid(source_id):
        return source_id, None
    packed = pack_source_id(source_id)
    if isinstance(packed, str):
        return None, packed
    return None, staging.IN_HEX + packed.hex()


def stored_ids(source_ids: Sequence[str]) -> tuple[Iterable[str | None], Iterable[str | None]]:
    """Many source ids as two columns, as :func:`stored_id` makes them."""
    if all_uuids(source_ids):
        return source_ids, repeat(None)
    uuids, texts = zip(*map(stored_id, source_ids), strict=True) if source_ids else ((), ())
    return uuids, texts


def digest_key(text: str) -> int:
    """64 bits that stand for a text within one build."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


@dataclass
class Parts:
    """Writes the parts of one source's descriptions; ``source`` is its number, ``name`` its name.

    When a credit or a release names an artist or label whose key is in ``watched``, ``named`` is told kind, key,
    source id and name, and answers the name to use. ``on`` is the day by which the public domain is decided.
    """

    writer: Writer
    source: int
    name: str
    counts: Counter[str] = field(default_factory=Counter)
    watched: frozenset[int] = frozenset()
    named: Callable[[int, int, str, str], str] = lambda kind, key, source_id, name: name
    on: date = date.min
    _prefix: bytes = b""
    _seen: set[int] = field(default_factory=set)
    _credit_keys: dict[str, int] = field(default_factory=dict)
    _genre_keys: dict[tuple[str, ...], int] = field(default_factory=dict)
    _label_keys: dict[tuple[str, str], int] = field(default_factory=dict)
    _evidence: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._prefix = f"{self.name}\0".encode()

    def key(self, source_id: str) -> int:
        """The first 64 bits of the public id of a thing of this source."""
        return self.keys([source_id])[0]

    def keys(self, source_ids: Sequence[str]) -> list[int]:
        """The keys of many things."""
        prefix, sha256 = self._prefix, hashlib.sha256
        try:
            encoded = [one.encode() for one in source_ids]
        except UnicodeEncodeError:
            encoded = [one.encode("utf-8", "surrogatepass") for one in source_ids]
        digests = b"".join([sha256(prefix + one).digest() for one in encoded])
        return list(struct.unpack(">" + "Q24x" * len(source_ids), digests))

    def first_time(self, key: int) -> bool:
        """Whether this key of a shared row was not written lately."""
        if key in self._seen:
            return False
        if len(self._seen) >= _SEEN_AT_MOST:
            self._seen.clear()
        self._seen.add(key)
        return True

    def credit(self, credits: Sequence[Credit]) -> int | None:
        """The key of an ordered credit; its names are staged the first time."""
        if not credits:
            return None
        if len(credits) == 1:
            one = credits[0]
            text = f"{self.source}\x1f{one.artist}\x1f{one.name}\x1f{one.join}\x1f{one.role}"
        else:
            text = f"{self.source}" + "\x1e".join(
                f"\x1f{c.artist}\x1f{c.name}\x1f{c.join}\x1f{c.role}" for c in credits
            )
        key = self._credit_keys.get(text)
        if key is not None:
            return key
        if len(self._credit_keys) >= _SEEN_AT_MOST // 5:
            self._credit_keys.clear()
        key = self._credit_keys[text] = digest_key(text)
        if self.first_time(key):
            source_ids = [one.artist or named_artist(one.name) for one in credits]
            for position, (one, source_id, artist) in enumerate(
                zip(credits, source_ids, self.keys(source_ids), strict=True)
            ):
                if artist in self.watched:
                    self.named(ARTIST, artist, source_id, one.name)
                row = staging.CreditName(
                    key,
                    position,
                    self.source,
                    artist,
                    *stored_id(source_id),
                    one.name,
                    one.join,
                    one.role,
                )
                self.writer.add(row)
        return key

    def genres(self, names: tuple[str, ...]) -> int | None:
        """The key of a set of genres; it does not depend on their order or spelling of case."""
        if not names:
            return None
        key = self._genre_keys.get(names)
        if key is None:
            folded = {genre_key(name): name.strip() for name in names if name.strip()}
            folded.pop("", None)
            if not folded:
                return None
            if len(self._genre_keys) >= _SEEN_AT_MOST:
                self._genre_keys.clear()
            key = self._genre_keys[names] = digest_key("genres\x1f" + "\x1f".join(sorted(folded)))
            for fold, name in folded.items():
                self.writer.add(staging.GenreName(key, name, fold))
        return key

    def labels(self, row: staging.Release, labels: Sequence[Label]) -> None:
        """Put the first label into the release's row and stage the others beside it."""
        for position, label in enumerate(labels):
            number = label.catalogue_number or None
            key = self.label(label) if label.name or label.label else None
            if position == 0:
                row.label, row.catalogue_number = key, number
            elif key is not None:
                self.writer.add(staging.ReleaseLabel(row.key, position, key, number))

    def label(self, label: Label) -> int:
        """The key of a label; its row is staged the first time it is given this name."""
        asked = label.label, label.name
        key = self._label_keys.get(asked)
        if key is None:
            if len(self._label_keys) >= _SEEN_AT_MOST // 5:
                self._label_keys.clear()
            source_id = label.label or named_label(label.name)
            key = self._label_keys[asked] = self.key(source_id)
            name = self.named(LABEL, key, source_id, label.name) if key in self.watched else label.name
            self.writer.add(staging.Label(key, self.source, *stored_id(source_id), name))
        return key

    def evidence(
        self,
        statements: Sequence[LicenceStatement],
        attestations: Sequence[Attestation],
        *,
        by_others: bool = False,
        origin: Origin | None = None,
    ) -> int | None:
        """The key of the evidence that statements, attestations and dates amount to; None if there are none."""
        if not statements and not attestations and origin is None:
            return None
        many = len(statements) > 1
        said = tuple((s.uri, s.level, s.by, s.digest if many else "") for s in statements)
        dates = replace(origin, where="", date="", digest="") if origin else None
        asked = said, tuple(a.event for a in attestations), by_others, dates
        key = self._evidence.get(asked)
        if key is None:
            if len(self._evidence) >= _SEEN_AT_MOST:
                self._evidence.clear()
            key = self._evidence[asked] = self._resolve(statements, attestations, by_others, dates)
        return key

    def nothing_stated(self) -> None:
        """Stage the evidence that there is where nobody stated anything, for rows that need one all the same."""
        if "nothing" not in self._evidence:
            self._evidence["nothing"] = self._resolve((), (), False, None)

    def _resolve(
        self,
        said: Sequence[LicenceStatement],
        attested: Sequence[Attestation],
        by_others: bool,
        origin: Origin | None,
    ) -> int:
        found = resolve(said, attested, composition_by_others=by_others, origin=origin, on=self.on)
        code = found.licence.code if found.licence else None
        texts = fit(found.stated, 2_000), fit(found.stated_by, 200), found.basis
        composition, note = int(found.composition), fit(found.note, 2_000)
        key = digest_key("\x1f".join(map(str, ("rights", code, int(found.level), *texts, composition, note))))
        self.writer.add(staging.Rights(key, code, int(found.level), *texts, composition, note))
        return key

    def files(self, key: int, kind: int, files: Iterable[File]) -> bool:
        """Stage files; whether an address offers the audio."""
        offered = False
        for position, file in enumerate(files):
            offered = offered or (file.role == "audio" and bool(file.url) and not file.sha256)
            row = staging.File(
                key,
                kind,
                position,
                file.role,
                file.name,
                file.sha256 or None,
                file.media_type or None,
                file.url or None,
                file.codec or None,
                file.bitrate,
                file.sample_rate,
                file.channels,
                file.bit_depth,
                file.problem or None,
            )
            self.writer.add(row)
        return offered

    def identifiers(self, key: int, kind: int, pairs: Iterable[tuple[str, str]]) -> None:
        """Stage identifiers that have no column."""
        for scheme, value in pairs:
            if value:
                self.writer.add(staging.Identifier(key, kind, scheme, value))

    def links(self, key: int, kind: int, links: Iterable[Link]) -> None:
        """Stage outgoing links."""
        for link in links:
            self.writer.add(staging.Link(key, kind, link.rel, link.url))

    def notes(self, key: int, kind: int, note: str, values: Iterable[str]) -> None:
        """Stage texts that have no column; empty ones are left out."""
        for position, value in enumerate(values):
            if value:
                self.writer.add(staging.Note(key, kind, note, position, value))
