"""One look at an archive that is mirrored: its index, its log and its withdrawals, then the bundles wanted of it."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phonolith.cli.decide import record
from phonolith.cli.roads import BySwarm, known_copies
from phonolith.cli.text import plural, size, span
from phonolith.cli.verb import Place
from phonolith.errors import NotFound, RefusedByRights
from phonolith.harvest.bundle import Options, harvest_bundle
from phonolith.library import publications
from phonolith.model.publication import Bundle
from phonolith.releases.commitment import Known, heads_seen, log_of
from phonolith.releases.elsewhere import Elsewhere, Web
from phonolith.releases.fetch import Fetched, Here, NoRoom, fetch
from phonolith.releases.follow import LARGEST, follow
from phonolith.releases.following import Following, body_of, following
from phonolith.releases.index import Index, Offer, read_index
from phonolith.releases.listed import read_at_risk
from phonolith.releases.publish import published
from phonolith.releases.share import Share, choose
from phonolith.releases.watch import watch
from phonolith.store.archive import Archive
from phonolith.store.bag import HEADS as BUNDLED_HEADS
from phonolith.store.objects import ObjectStore
from phonolith.store.withdrawals import HEADS, LINES, listed
from phonolith.verifier import digest, read_list

if TYPE_CHECKING:
    from phonolith.model.event import Event
    from phonolith.model.finding import Finding
    from phonolith.model.progress import Progress


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is here of an archive: its bundles that are whole and still offered there, with the bytes of their files.

    ``size``: bytes of all that is held of all its bundles, nothing counted twice, whether offered there or not.
    """

    whole: Mapping[str, int]
    size: int


@dataclass(slots=True)
class Outcome:
    """What came of one look.

    ``here``: what is here of that archive. ``withdrawn``: files of it that it withdrew since the last look.
    ``copies``: by bundle, how many are known. ``taken``: for each bundle its name, the bytes moved by road, the files
    and bytes that are held since, and what the log proves of it: that its ``head`` is one of the log, or ``nothing``.
    """

    url: str
    index: Index
    share: Share
    copies: Mapping[str, int]
    here: Holdings
    log: str = ""
    withdrawn: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def moved(self) -> int:
        """Bytes that came."""
        return sum(one["bytes_moved"] for one in self.taken)

    def told(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "url": self.url,
            "archive": self.index.archive,
            "log": self.log,
            "offered": len(self.index.offers),
            "held": {"bundles": len(self.here.whole), "bytes": self.here.size},
            "chosen": [self._told(one) for one in self.share.chosen],
            "over_budget": [self._told(one) for one in self.share.too_large],
            "budget_left": self.share.left,
            "taken": self.taken,
            "bytes_moved": self.moved,
            "withdrawn": self.withdrawn,
            "findings": self.findings,
        }

    def _told(self, one: Offer) -> dict[str, Any]:
        copies = self.copies.get(one.name)
        return {"name": one.name, "licence": one.licence, "tier": one.tier, "bytes": one.size, "copies": copies}


def look(place: Place, one: Following, *, key: str = "", dry_run: bool = False) -> Outcome:
    """Look at an archive once and take what is wanted of it; what ``one`` says is kept in the register.

    ``key``: a key of that archive, or the name of its log, as learnt elsewhere. Raises what contradicts what was seen
    of it before; then nothing is taken.
    """
    archive = place.archive()
    with (
        archive.lock("mirror", what=f"phonolith mirror {one.url}"),
        Elsewhere(place.settings().contact, one.url) as web,
    ):
        return _Look(place, archive, one, web).take(key, dry_run=dry_run)


def mirrors(archive: Archive) -> list[Following]:
    """The archives that are mirrored here."""
    with archive.register() as register:
        return following(register.events())


def held_of(archive: Archive, index: Index) -> Holdings:
    """What is here of that archive."""
    offered = {torrent.sha256 for one in index.offers for torrent in one.torrents}
    current = publications.bundles(past := published(archive))
    whole: dict[str, int] = {}
    sizes: dict[str, int] = {}
    gone = _withdrawn_elsewhere(archive)
    with archive.objects() as objects:
        for origin, bundle in ((one.origin, bundle) for one in past for bundle in one.bundles):
            still = any(one.sha256 in offered for one in bundle.torrents)
            if not origin or not (still or origin == index.archive):
                continue
            inside = _sizes(objects, bundle, gone)
            sizes |= {sha256: size for sha256, size in inside.items() if size is not None}
            if current.get(bundle.name) == bundle and None not in inside.values() and (still or not offered):
                whole[bundle.name] = sum(size or 0 for size in inside.values())
    return Holdings(whole, sum(sizes.values()))


@dataclass(slots=True)
class _Look:
    """One look at one archive."""

    place: Place
    archive: Archive
    one: Following
    web: Web

    def take(self, key: str, *, dry_run: bool) -> Outcome:
        """All of it, in order: first what may contradict what was seen before, and last the bytes."""
        index = read_index(self.one.url, self.web.read)
        known = self._log(key)
        known.check_name(index.archive)
        withdrawn, dropped = frozenset[str](), 0
        if not dry_run:
            self._remember(replace(self.one, name=index.archive))
            withdrawn, dropped = self._withdrawals(index, known.log)
        copies = known_copies(index.offers, self.place.settings().publish_trackers)
        here = held_of(self.archive, index)
        listed = read_at_risk(self.one.url, self.web.read) if self.one.wanted.at_risk is not None else None
        share = choose(index.offers, self.one.wanted, here.whole, copies, self._own(), listed)
        outcome = Outcome(self.one.url, index, share, copies, here, known.log, dropped)
        if not dry_run:
            self._bundles(outcome, known, withdrawn)
        if outcome.taken:  # of them too something may have been withdrawn
            outcome.withdrawn += self._withdrawals(index, known.log)[1]
        return outcome

    def _withdrawals(self, index: Index, log: str) -> tuple[frozenset[str], int]:
        """Take over what that archive withdrew, and those whose bundles are here, as far as it hands their lists on.

        Gives all objects on their lists, and how many of them were here and new.
        """
        gone, new = self._follow(index.archive, log, (HEADS, LINES), handed_on=False)
        past = published(self.archive)
        for origin in sorted({one.origin for one in past} - {"", index.archive}):
            with self.archive.objects() as objects:
                theirs = log_of(objects, past, origin)
            if theirs:
                names = (f"withdrawn/{theirs}.heads.jsonl", f"withdrawn/{theirs}.jsonl")
                more, others = self._follow(origin, theirs, names, handed_on=True)
                gone, new = gone | more, new + others
        return gone, new

    def _follow(self, origin: str, log: str, names: tuple[str, str], *, handed_on: bool) -> tuple[frozenset[str], int]:
        heads, lines = (self._list(name) for name in names)  # heads first: the list may grow in between
        done = follow(self.archive, origin, lines, heads, self._append, key=log, handed_on=handed_on)
        now = listed(read_list(lines, heads).lines)
        return frozenset(sha256 for sha256, one in now.items() if one.event != "reinstated"), len(done.withdrawn)

    def _list(self, name: str) -> bytes:
        try:
            return self.web.read(f"{self.one.url}/{name}", LARGEST)
        except (NotFound, RefusedByRights):
            return b""

    def _append(self, kind: str, body: dict[str, Any]) -> Event:
        return record(self.archive, self.place, [(kind, body)])[0]

    def _log(self, key: str) -> Known:
        """What is known of that archive's log, after it was shown to keep what was seen of it. Raises BadInput."""
        past = published(self.archive)

        def seen(origin: str) -> Sequence[bytes]:
            with self.archive.objects() as objects:
                return heads_seen(objects, past, origin)

        signs = self.place.settings().mirror_countersign
        watched = watch(
            self.archive, self.one.url, self.web.read, key=key or None, countersigns=signs, clock=self.place.now
        )
        if watched.head is None:
            return Known("", (), seen)
        log = watched.head.log
        return Known(log, {digest(head) for head in self.archive.log().seen(log)}, seen)

    def _own(self) -> str:
        """What names this archive and no other: the digest of its first event."""
        with self.archive.register() as register:
            return next(register.events()).digest

    def _remember(self, one: Following) -> None:
        if not any(body_of(each) == body_of(one) for each in mirrors(self.archive)):
            record(self.archive, self.place, [("mirror.followed", body_of(one))])

    def _bundles(self, outcome: Outcome, known: Known, withdrawn: Collection[str]) -> None:
        """Take the chosen bundles, one after the other; the share becomes what was taken in the end."""
        folder = self.archive.state / "mirror" / hashlib.sha256(self.one.url.encode()).hexdigest()[:16]
        chosen = outcome.share.chosen
        _tidy(folder, {one.name for one in chosen})
        budget = self.one.wanted.budget
        room = None if budget is None else max(budget - outcome.here.size, 0)
        pace = _Pace(chosen)
        swarm = BySwarm(self.place.settings(), self.one.by)
        for offer in chosen:
            with self.place.bars() as bars:
                bars.say(pace.before(offer, outcome.copies.get(offer.name)))
                try:
                    fetched = self._fetch(offer, folder / offer.name, known, withdrawn, room, swarm, bars)
                except NoRoom as error:  # its tag files were too much, which is known once its torrent is here
                    bars.say(str(error))
                    outcome.share = _without(outcome.share, offer)
                    continue
                room = None if room is None else room - fetched.size
                self._hold(outcome, offer, fetched, bars)
                bars.say(pace.after(offer, fetched))
        outcome.share = replace(outcome.share, left=room)
        _tidy(folder, ())

    def _fetch(
        self,
        offer: Offer,
        folder: Path,
        known: Known,
        withdrawn: Collection[str],
        room: int | None,
        swarm: BySwarm,
        bars: Progress,
    ) -> Fetched:
        before = publications.bundles(published(self.archive)).get(offer.name)
        with self.archive.objects() as objects:
            here = Here(
                objects.has,
                lambda sha256: objects.path(sha256).read_bytes() if objects.has(sha256) else None,
                lambda _: before.tags if before else {},
                lambda bag: known.check(bag, own=not offer.origin),
                lambda sha256: sha256 in withdrawn,
            )
            peers, by_web = swarm.fetch if swarm.useful else None, self.one.by != "swarm"
            return fetch(
                self.one.url, offer, folder, here, self.web, progress=bars, room=room, swarm=peers, web_seed=by_web
            )

    def _hold(self, outcome: Outcome, offer: Offer, fetched: Fetched, bars: Progress) -> None:
        """Take in what was fetched; what is held has a second name then, so the folder can go."""
        options = Options(adopt="move", replaces=offer.replaces, left_out=fetched.left_out)
        proven = "head" if (fetched.folder / BUNDLED_HEADS).is_file() else "nothing"
        report = harvest_bundle(
            self.archive, fetched.folder, options, self._append, progress=bars, clock=self.place.now
        )
        shutil.rmtree(fetched.folder.parent)
        outcome.findings += [*fetched.findings, *report.findings]
        outcome.taken.append(
            {
                "name": offer.name,
                "bytes_moved": sum(fetched.moved.values()),
                "bytes_by_swarm": fetched.moved["swarm"],
                "bytes_by_web": fetched.moved["web"],
                "files_held": report.objects,
                "bytes_held": fetched.size,
                "files_withdrawn": len(fetched.left_out) - len(fetched.findings),
                "proven": proven,
            }
        )


class _Pace:
    """What is told between bundles: which one comes, by which road it came, and how long the rest may take."""

    def __init__(self, chosen: Sequence[Offer]) -> None:
        self._left = list(chosen)
        self._of = len(chosen)
        self._begun = time.monotonic()
        self._moved = 0

    def before(self, offer: Offer, copies: int | None) -> str:
        """A line for the bundle that comes now."""
        number = self._of - len(self._left) + 1
        known = "copies unknown" if copies is None else plural(copies, "copy", "copies") + " known"
        return f"{number}/{self._of} {offer.name}: {size(offer.size)}, {known}"

    def after(self, offer: Offer, fetched: Fetched) -> str:
        """A line for the bundle that came."""
        self._left.remove(offer)
        roads = {"swarm": "by swarm", "web": "by web seed", "tags": "of tag files"}
        came = [f"{size(count)} {roads[road]}" for road, count in fetched.moved.items() if count]
        self._moved += sum(fetched.moved.values())
        rest = sum(one.size for one in self._left)
        line = f"  {', '.join(came) or 'nothing had to be moved'}"
        if not self._left:
            return line
        seconds = rest * (time.monotonic() - self._begun) / self._moved if self._moved else None
        about = f", about {span(seconds)}" if seconds is not None else ""
        return f"{line}; {plural(len(self._left), 'bundle')} with {size(rest)} to go{about}"


def _without(share: Share, offer: Offer) -> Share:
    kept = tuple(one for one in share.chosen if one is not offer)
    return replace(share, chosen=kept, too_large=(*share.too_large, offer))


def _withdrawn_elsewhere(archive: Archive) -> frozenset[str]:
    """Objects that the archives they came from withdrew, as far as they were in bundles that are here."""
    gone: set[str] = set()
    with archive.register() as register:
        for event in register.events():
            if event.kind == "bytes.withdrawn":
                gone.update(event.body["digests"])
            elif event.kind == "bytes.reinstated":
                gone.difference_update(event.body["digests"])
    return frozenset(gone)


def _sizes(objects: ObjectStore, bundle: Bundle, gone: Collection[str]) -> dict[str, int | None]:
    """All objects of a bundle with their bytes, None for one that is not held and ought to be."""
    digests = {one.sha256 for one in publications.files(objects, bundle)} | {one.sha256 for one in bundle.torrents}
    found: dict[str, int | None] = {}
    for sha256 in digests:
        held = objects.held(sha256)
        found[sha256] = held.size if held else 0 if sha256 in gone or objects.has(sha256) else None
    return found


def _tidy(folder: Path, names: Collection[str]) -> None:
    """Remove what earlier runs left of bundles that are not taken any more: it would count in no budget."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            shutil.rmtree(path)
    if not names and folder.is_dir():
        folder.rmdir()
