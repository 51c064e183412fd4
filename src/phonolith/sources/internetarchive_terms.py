"""Under which terms archive.org is asked, and what of its items is passed on."""

from __future__ import annotations

from functools import lru_cache

from phonolith.sources.base import Terms

TERMS = Terms(
    metadata_licence="",
    payload_licences="licenseurl and rights of each item; what a collection states is of level 1",
    publish=(
        "metadata/**",
        "roles/**",
        "files/original/**",
        *(f"files/derivative/{name}" for name in ("title", "track", "creator", "artist", "album")),
    ),
    private=(
        "reviews/**",
        "favourites",  # collections that are people's bookmarks
        "metadata/uploader",
        "metadata/adder",
        "metadata/updater",
        "metadata/curation",
        "metadata/operator",
        "metadata/user_*",  # who cleaned, transferred, typed
    ),
    withhold=(
        *(
            f"metadata/{name}"  # how the Archive keeps an item, not what is in it
            for name in (
                *("addeddate", "publicdate", "updatedate", "backup_location", "boxid", "shiptracking", "scanner"),
                *("md5s", "pick", "has_mp3", "public", "hidden", "num_*", "show_*", "spotlight_identifier"),
            )
        ),
        *(f"files/original/{name}" for name in ("mtime", "crc32", "rotation", "height", "width", "autoplay", "btih")),
    ),
    rate=1.0,
    contact="info@archive.org",
    credit="Internet Archive",
    url="https://archive.org",
)


@lru_cache(maxsize=4096)
def published(*path: str) -> bool:
    """Whether a leaf is passed on; ``path`` as in :meth:`Terms.disposition`."""
    return TERMS.disposition(path) == "publish"
