"""How the mirrors that this archive keeps stand: what is held of each, and how far it is behind, where it is asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from phonolith.cli.mirroring import held_of, look, mirrors
from phonolith.cli.verb import Place
from phonolith.errors import PhonolithError
from phonolith.releases.following import Following
from phonolith.releases.index import Index


def stands(place: Place, *, ask: bool) -> list[dict[str, Any]]:
    """Each archive that is mirrored here; ``ask``: with what it offers now and what is lacking of that here."""
    archive = place.archive()
    found = []
    for one in mirrors(archive):
        here = held_of(archive, Index(one.name, ()))
        told: dict[str, Any] = {
            "url": one.url,
            "archive": one.name,
            "since": one.since,
            "changed": one.changed,
            "wanted": one.wanted,
            "by": one.by,
            "log": archive.log().origin(one.url) or "",
            "held": {"bundles": len(here.whole), "bytes": here.size},
        }
        found.append(told | (_asked(place, one) if ask else {}))
    return found


def _asked(place: Place, one: Following) -> dict[str, Any]:
    try:
        outcome = look(place, one, dry_run=True)
    except PhonolithError as error:
        return {"problem": str(error)}
    share = outcome.share
    copies = Counter(str(outcome.copies.get(offer.name, "unknown")) for offer in outcome.index.offers)
    return {
        "held": {"bundles": len(outcome.here.whole), "bytes": outcome.here.size},
        "offered": len(outcome.index.offers),
        "lacking": {"bundles": len(share.chosen), "bytes": sum(offer.size for offer in share.chosen)},
        "over_budget": {"bundles": len(share.too_large), "bytes": sum(offer.size for offer in share.too_large)},
        "copies": dict(sorted(copies.items())),
    }
