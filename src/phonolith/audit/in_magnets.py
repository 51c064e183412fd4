"""Reads magnet links out of a stranger's text: one, or a list of them among other words (BEP 9, BEP 53)."""

from __future__ import annotations

import re
from pathlib import Path

from phonolith.audit.collecting import Collector, magnet_of
from phonolith.audit.counted import Unreadable
from phonolith.audit.extracted import Extract, Extracted

_LARGEST = 64 << 20
_LINK = re.compile(r"""magnet:\?[^\s"'<>\\^`{|}]{1,8000}""")


def read_magnets(request: Extract) -> Extracted:
    """The torrents that magnet links name, with what these say of them. Raises Unreadable, OSError."""
    with Path(request.path).open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Unreadable(f"it has more than {_LARGEST >> 20} MiB")
    collector = Collector(request.today)
    for match in _LINK.finditer(data.decode("utf-8", "replace")):
        collector.rows += 1
        infohashes, name, length = magnet_of(match[0].replace("&amp;", "&"))
        if not infohashes:
            collector.refused["infohash"] += 1
            continue
        other = infohashes[1] if len(infohashes) > 1 else ""
        collector.add(infohashes[0], other=other, name=name, sizes=() if length is None else (length, length))
    return Extracted(collector.listed(), (), collector.rows, dict(collector.refused))
