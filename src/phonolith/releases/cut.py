"""Cuts a release: from what the gate allows to bundles with their tag files and torrents, nothing of it kept yet."""

from __future__ import annotations

import calendar
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from phonolith.errors import Damaged
from phonolith.library.excerpt import Said
from phonolith.library.permitted import PermittedFile
from phonolith.model.paths import fitted
from phonolith.model.publication import Bundle, Torrent
from phonolith.releases.bag import About, tag_files
from phonolith.releases.choose import Chosen
from phonolith.releases.compose import Entry, Kind, Words, compose
from phonolith.releases.group import Group, group
from phonolith.releases.worn import next_name
from phonolith.store.passport import Passport, passport_of


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a cut follows besides the choice: its name, what is said of the origin, where clients find others, kinds.

    ``web_seed`` is the address below which bundles are served (BEP 19), "" for none.
    """

    name: str
    about: About
    trackers: tuple[tuple[str, ...], ...] = ()
    web_seed: str = ""
    kinds: tuple[Kind, ...] = (Kind.HYBRID,)


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was made and is not kept: its group, its tag files and metainfo files as bytes."""

    bundle: Bundle
    group: Group
    tags: Mapping[str, bytes]
    torrents: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Told:
    """What is asked while bundles are made.

    An object's passport; what the catalogue says of some files; the heads of the log that cover some objects, as a file
    of them; whether a file of some name is counted as audio.
    """

    passport: Callable[[str], Passport | None]
    excerpt: Callable[[Sequence[PermittedFile]], Iterable[Said]]
    heads: Callable[[Sequence[str]], bytes]
    audio: Callable[[str], bool]


def cut(
    chosen: Sequence[Chosen], published: Collection[str], told: Told, recipe: Recipe, again: Iterable[Group] = ()
) -> Iterator[Made]:
    """The bundles of what was chosen and is in none yet, one after another, behind those that are cut ``again``.

    ``published`` are the SHA-256 of what is. Passports come from the ledger: no object is opened. The same choice and
    recipe give the same bytes. Raises Damaged where an object has no passport.
    """
    slug = fitted(recipe.about.archive, "archive", 40).replace(" ", "-").lower()
    for one in again:
        yield _make(next_name(one.replaces), one, told, recipe)
    for one in group(chosen, published):
        yield _make(f"{slug}-{recipe.name}-{one.name}", one, told, recipe)


def _make(name: str, group: Group, told: Told, recipe: Recipe) -> Made:
    said = told.excerpt([one.file for one in group.files])
    heads = told.heads([one.file.sha256 for one in group.files])
    tags = tag_files(name, group, said, heads, recipe.about, told.audio)
    entries = [Entry(one.path, _known(told.passport, one.file.sha256)) for one in group.files]
    entries += [Entry(tuple(path.split("/")), passport_of(data, group.piece_length)) for path, data in tags.items()]
    seeds = (recipe.web_seed,) if recipe.web_seed else ()
    words = Words(recipe.trackers, seeds, _comment(group, recipe), _date(recipe))
    composed = {str(kind): compose(name, entries, kind, words) for kind in recipe.kinds}
    bundle = Bundle(
        name,
        group.licence,
        group.tier,
        group.size_class,
        len(group.files),
        sum(one.file.size for one in group.files),
        {path: hashlib.sha256(data).hexdigest() for path, data in tags.items()},
        tuple(
            Torrent(kind, hashlib.sha256(one.data).hexdigest(), one.v1.hex(), one.v2.hex())
            for kind, one in composed.items()
        ),
        group.replaces,
    )
    return Made(bundle, group, tags, {kind: one.data for kind, one in composed.items()})


def _known(passport: Callable[[str], Passport | None], sha256: str) -> Passport:
    found = passport(sha256)
    if found is None:
        raise Damaged(sha256, "the catalogue names an object that the ledger does not have", "Run: phonolith build")
    return found


def _comment(group: Group, recipe: Recipe) -> str:
    return f"{recipe.about.archive}: {group.licence}, {len(group.files)} files, as of {recipe.about.as_of}"


def _date(recipe: Recipe) -> int:
    """Midnight of the catalogue's date, so that the same cut has the same bytes whenever it is made."""
    return calendar.timegm(time.strptime(recipe.about.as_of[:10], "%Y-%m-%d"))
