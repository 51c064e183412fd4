"""What was published, as values for pages, feed and API: bundles with their torrents and magnet links, and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from starlette.requests import Request

from phonolith.library.publications import torrent_name
from phonolith.model.publication import Bundle, Publication
from phonolith.rights.gate import GONE, LEGAL
from phonolith.store.bag import EVIDENCE, MANIFEST
from phonolith.store.claims import NAME as CLAIMS
from phonolith.store.withdrawals import LINES
from phonolith.web import feed
from phonolith.web.desk import Desk
from phonolith.web.log import LogView, view
from phonolith.web.media import amiss

ATTRIBUTION = "ATTRIBUTION.txt"
_NOT_NOW = 503
_MOST_WITHDRAWN = 100


@dataclass(frozen=True, slots=True)
class TorrentView:
    """A metainfo file: its address, size in bytes and SHA-256, its infohashes ("" for a side it lacks), a magnet link.

    ``kind`` is ``hybrid`` (for all clients), ``v1`` (for clients that refuse hybrid ones) or ``v2``.
    """

    kind: str
    url: str
    size: int
    sha256: str
    v1: str
    v2: str
    magnet: str


@dataclass(frozen=True, slots=True)
class BundleView:
    """A bundle: ``files`` and ``size`` (bytes) count its payload alone. ``torrents`` is empty once nothing is offered.

    ``licence``, ``tier`` (of popularity) and ``size_class`` are what its files have in common. ``current``: no later
    release takes its place; ``replaced_by`` names the bundle that does, where it is one, and ``replaces`` the one whose
    place this one took. ``manifest`` is the SHA-256 of the list of its files: whoever gets the bundle elsewhere can
    compare. ``copies``: how many whole copies of it the seeder here saw in its swarm at ``copies_at`` (ISO 8601 UTC),
    its own among them; None where it did not see any or does not run.
    """

    name: str
    publication: str
    time: str
    licence: str
    tier: str
    size_class: str
    files: int
    size: int
    url: str
    attribution: str
    evidence: str
    claims: str
    offered: bool
    torrents: tuple[TorrentView, ...]
    current: bool
    replaced_by: str
    manifest: str
    replaces: str
    copies: int | None
    copies_at: str


@dataclass(frozen=True, slots=True)
class PublicationView:
    """A publication: when (ISO 8601, UTC), what date its catalogue is of, the event of the register, its bundles.

    ``origin`` is the archive that published it, "" for this one.
    """

    name: str
    time: str
    as_of: str
    event: int
    origin: str
    bundles: tuple[BundleView, ...]


@dataclass(frozen=True, slots=True)
class PublicationsAnswer:
    """What was published, newest first, so many bundles at a time.

    ``archive`` is the name of who offers it; ``log``: the signed head, None if there is none; ``withdrawn``: the list
    of what to drop of it.
    """

    publications: tuple[PublicationView, ...]
    next: str | None
    archive: str
    log: LogView | None
    withdrawn: str


@dataclass(frozen=True, slots=True)
class BundleFileView:
    """A file of a bundle: ``size`` in bytes, None if it is not held here now; where it is not offered, why.

    ``status`` is what its address answers with: 503 where it may be given but the held bytes are amiss.

    What was withdrawn is not named in lists: ``path`` and ``url`` are "", and whoever has the manifest knows it by its
    digest.
    """

    path: str
    sha256: str
    size: int | None
    url: str
    payload: bool
    offered: bool
    status: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BundleAnswer:
    """A bundle with a piece of its files, payload first; ``taken_down`` counts the files that are not offered."""

    bundle: BundleView
    taken_down: int
    files: tuple[BundleFileView, ...]
    next: str | None


def base(desk: Desk, request: Request) -> str:
    """The address at which others reach this library: the setting, else the one that was asked for."""
    return desk.settings.publish_url or str(request.base_url).rstrip("/")


def publications(desk: Desk, where: str, after: str, limit: int) -> PublicationsAnswer:
    """Current bundles by publication, newest publication first, behind the bundle ``after``."""
    index = desk.offers.index()
    every = [(one, b) for one in reversed(index.publications) for b in one.bundles if b.name in index.current]
    names = [bundle.name for _, bundle in every]
    start = names.index(after) + 1 if after in names else 0
    piece = every[start : start + limit]
    shown = tuple(
        PublicationView(
            one.name, one.time, one.as_of, one.event, one.origin, tuple(bundle(desk, where, b) for b in run)
        )
        for one, run in _by_publication(piece)
    )
    following = names[start + limit - 1] if start + limit < len(names) else None
    return PublicationsAnswer(shown, following, desk.archive.name, view(desk.committed.told()), f"{where}/{LINES}")


def bundle(desk: Desk, where: str, one: Bundle) -> BundleView:
    """A bundle, with links only to what is offered."""
    index = desk.offers.index()
    publication = index.bundles[one.name][0]
    offered = desk.offers.offered(one.name)
    copies, counted = desk.copies.of(one.name)
    return BundleView(
        one.name,
        publication.name,
        publication.time,
        one.licence,
        one.tier,
        one.size_class,
        one.files,
        one.size,
        page_of(one.name),
        file_of(one.name, ATTRIBUTION) if offered else "",
        file_of(one.name, EVIDENCE) if offered else "",
        file_of(one.name, CLAIMS) if offered and CLAIMS in one.tags else "",
        offered,
        tuple(_torrents(desk, where, one)) if offered else (),
        one.name in index.current,
        index.heirs.get(one.name, ""),
        one.tags[MANIFEST],
        one.replaces,
        copies,
        counted,
    )


def files(desk: Desk, one: Bundle, after: int, limit: int) -> tuple[BundleFileView, ...]:
    """A piece of a bundle's files, behind the first ``after``."""
    inside = desk.offers.published.contents(one)
    piece = list(inside.files.values())[after : after + limit]
    answers = desk.offers.decisions(one, [file.path for file in piece])
    found = []
    for file in piece:
        answer, held = answers[file.path], desk.objects.held(file.sha256)
        named_no_more = answer.status in (GONE, LEGAL)
        why = amiss(desk, file.sha256) if answer.allowed else ""
        found.append(
            BundleFileView(
                "" if named_no_more else file.path,
                file.sha256,
                held.size if held else None,
                "" if named_no_more else file_of(one.name, file.path),
                file.payload,
                answer.allowed and not why,
                _NOT_NOW if why else answer.status,
                (why,) if why else () if answer.allowed else answer.reasons,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class WithdrawnView:
    """A file that was taken down, by the SHA-256 that a manifest knows it by, with the reasons."""

    sha256: str
    reasons: tuple[str, ...]


def withdrawn(desk: Desk, one: Bundle) -> tuple[WithdrawnView, ...]:
    """The files of a bundle that are not offered any more, the first of them if they are many."""
    held = desk.offers.published.contents(one).files
    refused = list(desk.offers.refused(one).items())[:_MOST_WITHDRAWN]
    return tuple(WithdrawnView(held[path].sha256, decision.reasons) for path, decision in refused)


def newest(desk: Desk, most: int) -> list[tuple[Publication, Bundle]]:
    """The current bundles that were published last and of which something is offered, newest first."""
    index = desk.offers.index()
    every = ((one, b) for one in reversed(index.publications) for b in one.bundles if b.name in index.current)
    found: list[tuple[Publication, Bundle]] = []
    for publication, one in every:
        if len(found) == most:
            break
        if desk.offers.offered(one.name):
            found.append((publication, one))
    return found


def page_of(name: str) -> str:
    """The page of a bundle."""
    return f"/releases/{quote(name, safe='')}"


def file_of(name: str, path: str) -> str:
    """A file of a bundle on the web seed."""
    return f"/bundle/{quote(name, safe='')}/{quote(path)}"


def _by_publication(piece: Sequence[tuple[Publication, Bundle]]) -> Iterator[tuple[Publication, list[Bundle]]]:
    for _, run in groupby(piece, key=lambda pair: pair[0].event):
        pairs = list(run)
        yield pairs[0][0], [bundle for _, bundle in pairs]


def _torrents(desk: Desk, where: str, one: Bundle) -> Iterator[TorrentView]:
    """The torrents of a bundle that are held."""
    for torrent in one.torrents:
        held = desk.objects.held(torrent.sha256)
        if held is None:
            continue
        url = page_of(torrent_name(one, torrent.kind))
        link = feed.magnet(torrent, one.name, desk.settings.publish_trackers, f"{where}/bundle/", where + url)
        yield TorrentView(torrent.kind, url, held.size, torrent.sha256, torrent.v1, torrent.v2, link)
