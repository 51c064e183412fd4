"""What was published: cuts of the archive, each a number of bundles that are torrents and BagIt bags at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Torrent:
    """A metainfo file as a held object: its SHA-256, and its infohashes, "" for a side that it does not have."""

    kind: str
    sha256: str
    v1: str = ""
    v2: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One bundle: a folder ``name`` of held objects and tag files, and the torrents that lead to it.

    ``tags`` are the bag's tag files, SHA-256 by path, of which ``manifest-sha256.txt`` says what the payload is.
    ``licence``, ``tier`` and ``size_class`` are what its files have in common; ``files`` and ``size`` count its payload
    alone. ``replaces`` names the bundle that this one takes the place of, with what was withdrawn left out.
    """

    name: str
    licence: str
    tier: str
    size_class: str
    files: int
    size: int
    tags: Mapping[str, str]
    torrents: tuple[Torrent, ...]
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication, as its event in the register has it.

    ``as_of`` is the date of the catalogue that it was cut from, ``origin`` the archive that published it, "" for this
    one. ``anew``: it takes the place of everything that was published here before.
    """

    name: str
    as_of: str
    settings: str
    bundles: tuple[Bundle, ...]
    event: int = 0
    time: str = ""
    origin: str = ""
    anew: bool = False


def body_of(publication: Publication) -> dict[str, Any]:
    """The body of the register event ``release.published``; of ``release.mirrored`` where there is an origin."""
    body: dict[str, Any] = {
        "name": publication.name,
        "as_of": publication.as_of,
        "settings": publication.settings,
        "bundles": [_body_of(one) for one in publication.bundles],
    }
    body |= {"origin": publication.origin} if publication.origin else {}
    return body | ({"anew": True} if publication.anew else {})


def publication_of(body: Mapping[str, Any], event: int, time: str) -> Publication:
    """The publication of an event's body."""
    bundles = (Bundle(**{**one, "torrents": tuple(Torrent(**t) for t in one["torrents"])}) for one in body["bundles"])
    told = body["name"], body["as_of"], body["settings"], tuple(bundles), event, time
    return Publication(*told, body.get("origin", ""), body.get("anew", False))


def _body_of(bundle: Bundle) -> dict[str, Any]:
    body = asdict(bundle)
    return {**body, "tags": dict(bundle.tags), "torrents": list(body["torrents"])}
