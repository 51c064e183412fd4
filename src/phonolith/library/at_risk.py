"""What may soon be nowhere: gone at its source, held here alone, damaged here, or with few copies in its swarm.

Nothing is concluded that nobody looked at: a bundle whose swarm was never asked is not on the list, and says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from phonolith.errors import PhonolithError
from phonolith.library.bundled import audio_of, holders
from phonolith.library.changes import ChangeView, lost
from phonolith.library.reading import Library
from phonolith.library.swarms import Standing
from phonolith.model.publication import Bundle
from phonolith.model.swarm import DHT, FEW_COPIES
from phonolith.store.damage import Damage
from phonolith.store.objects import ObjectStore

#: Codes of reasons, most urgent first.
FEW, ALONE, LAST, VANISHED, STRICTER = "swarm.few", "fixity.alone", "copy.last", "source.vanished", "licence.stricter"
ORDER = (ALONE, LAST, FEW, VANISHED, STRICTER)
#: What a mirror can do something about; the others are for whoever runs the archive.
MIRRORS_HELP = frozenset({FEW, ALONE, LAST})

_TELL = 3  # titles that a sentence about several things names


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is at risk: a code, a sentence, since when (ISO 8601 UTC or date), and what would help."""

    code: str
    text: str
    since: str
    remedy: str


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Something at risk: ``subject`` is ``bundle:NAME``, ``track:ID`` or ``object:SHA256``.

    ``digests`` are the held files it is about, ``bundles`` those it can be had with, both empty where there are none.
    ``copies``: complete ones elsewhere, of its bundle, counted at ``copies_at``; None where nobody knows.
    """

    subject: str
    title: str
    detail: str
    reasons: tuple[Reason, ...]
    digests: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    copies: int | None = None
    copies_at: str = ""

    @property
    def code(self) -> str:
        """The most urgent of its reasons."""
        return min((one.code for one in self.reasons), key=ORDER.index)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known: the bundles that are current, how their swarms stand, what is amiss, where things are found.

    ``library`` is None where nothing was built; then what sources lost is not known. ``few``: with fewer complete
    copies elsewhere a bundle is at risk. ``offered``: whether a bundle may be given away.
    """

    library: Library | None
    objects: ObjectStore
    changes: Path
    index: Path
    bundles: Mapping[str, Bundle]
    standings: Mapping[str, Standing]
    damage: tuple[Damage, ...]
    offered: Callable[[str], bool]
    few: int = FEW_COPIES


def at_risk(facts: Facts) -> list[AtRisk]:
    """Everything at risk, most urgent first. What is withdrawn or hidden is not on it."""
    found = [*_damaged(facts), *_lost(facts), *_few(facts)]
    return sorted(found, key=lambda one: (ORDER.index(one.code), one.copies or 0, one.reasons[0].since, one.subject))


def to_mirror(facts: Facts, every: Iterable[AtRisk]) -> list[AtRisk]:
    """The bundles that somebody should mirror, each with all that speaks for it, fewest copies first.

    Of what several have a copy of, none is on it; nor is a bundle of which nothing is offered.
    """
    reasons = defaultdict[str, dict[str, list[AtRisk]]](lambda: defaultdict(list))
    for one in every:
        for code in {each.code for each in one.reasons} & MIRRORS_HELP:
            for name in one.bundles:
                reasons[name][code].append(one)
    found = []
    for name, codes in reasons.items():
        stand = facts.standings.get(name)
        many = stand is not None and stand.known is not None and stand.known >= facts.few
        if name in facts.bundles and not many and facts.offered(name):
            told = tuple(_summed(code, codes[code]) for code in ORDER if code in codes)
            found.append(_with_copies(AtRisk(f"bundle:{name}", name, "", told, (), (name,)), facts))
    return sorted(found, key=lambda one: (one.copies if one.copies is not None else -1, one.title))


def _few(facts: Facts) -> Iterator[AtRisk]:
    """Bundles with few complete copies elsewhere, as far as somebody counted."""
    for name, stand in facts.standings.items():
        if name in facts.bundles and stand.known is not None and stand.known < facts.few and facts.offered(name):
            reason = Reason(
                FEW, _copies_text(stand), stand.alone_since or stand.known_at, "Mirror it and go on seeding"
            )
            yield _with_copies(AtRisk(f"bundle:{name}", name, "", (reason,), (), (name,)), facts)


def _copies_text(stand: Standing) -> str:
    by = "the DHT" if stand.by == DHT else "a tracker"
    whose = "beside this archive's own seeder" if stand.ours else "in its swarm"
    day = stand.known_at[:10]
    if not stand.known:
        since = f", and none since {stand.alone_since[:10]}" if stand.alone_since[:10] < day else ""
        return f"No complete copy {whose} on {day}, as {by} counts{since}"
    return f"{stand.known} complete {'copy' if stand.known == 1 else 'copies'} {whose} on {day}, as {by} counts"


def _damaged(facts: Facts) -> Iterator[AtRisk]:
    """Objects of which no place here is sound."""
    amiss = defaultdict[str, list[Damage]](list)
    for one in facts.damage:
        amiss[one.sha256].append(one)
    alone = [sha256 for sha256 in amiss if facts.objects.held(sha256) is not None and not _sound(facts.objects, sha256)]
    where = holders(facts.objects, facts.bundles.values(), alone, facts.index)
    for sha256 in alone:
        since = min(one.time for one in amiss[sha256])
        names = where.get(sha256, ())
        remedy = "Repair it from a copy: phonolith verify --repair" if names else "Restore it from a backup"
        text = f"Its bytes are amiss here since {since[:10]}, and no other copy here is sound"
        yield _with_copies(
            AtRisk(f"object:{sha256}", f"{sha256[:16]}…", "", (Reason(ALONE, text, since, remedy),), (sha256,), names),
            facts,
        )


def _sound(objects: ObjectStore, sha256: str) -> bool:
    try:
        objects.path(sha256)
    except PhonolithError:
        return False
    return True


def _lost(facts: Facts) -> Iterator[AtRisk]:
    """What sources had and have no more, or allow no more, as far as its audio is held."""
    if facts.library is None:
        return
    every = lost(facts.library, facts.changes)
    audio = audio_of(facts.library, [one.id for one in every if not one.copies])
    held = {one.key: one.copies or audio.get(one.id, ()) for one in every}
    digests = {sha256 for some in held.values() for sha256 in some}
    where = holders(facts.objects, facts.bundles.values(), digests, facts.index)
    for one in every:
        if held[one.key]:
            names = tuple(dict.fromkeys(name for sha256 in held[one.key] for name in where.get(sha256, ())))
            thing = AtRisk(f"{one.kind}:{one.id}", one.title, one.artist, (_reason(one),), held[one.key], names)
            yield _with_copies(thing, facts)


def _reason(one: ChangeView) -> Reason:
    day = one.time[:10]
    if one.what != "vanished":
        changes = "; ".join(f"{f.field} {f.was or 'none'} → {f.now or 'none'}" for f in one.fields if f.direction)
        text = f"{one.source} tightened its terms on {day}: {changes}"
        return Reason(STRICTER, text, one.time, f"See what is refused since: phonolith why {one.kind}:{one.id}")
    if one.copies:
        text = f"Gone from {one.source} since {day}; what is held here is the last known copy"
        return Reason(LAST, text, one.time, "Back it up, and publish it where its licence permits")
    text = f"Gone from {one.source} since {day}; something else in the catalogue still offers it"
    return Reason(VANISHED, text, one.time, "Keep it; nobody else may have it for long")


def _with_copies(one: AtRisk, facts: Facts) -> AtRisk:
    """With the copies of the bundle that has most."""
    known = [facts.standings[name] for name in one.bundles if name in facts.standings]
    best = max((each for each in known if each.known is not None), key=lambda each: each.known or 0, default=None)
    return one if best is None else replace(one, copies=best.known, copies_at=best.known_at)


def _summed(code: str, every: list[AtRisk]) -> Reason:
    """One sentence about all that a bundle has of one kind."""
    first = next(each for one in every for each in one.reasons if each.code == code)
    since = min(each.since for one in every for each in one.reasons if each.code == code)
    if code == FEW:
        return first
    count = len(every)
    if code == ALONE:
        files = "One file of it is" if count == 1 else f"{count:,} files of it are"
        text = f"{files} damaged here since {since[:10]}, with no sound copy in this archive"
        return Reason(code, text, since, "Whoever has it whole: please seed it")
    titles = [one.title for one in every[:_TELL]]
    more = f" and {count - _TELL:,} more" if count > _TELL else ""
    what = "1 track" if count == 1 else f"{count:,} tracks"
    gone = f"{what} of it {'is' if count == 1 else 'are'} gone from the source ({', '.join(titles)}{more})"
    return Reason(code, f"{gone}; what is here is the last known copy", since, "Mirror it and go on seeding")
