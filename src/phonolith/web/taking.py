"""How a bundle is taken, step by step, for each kind of client: commands with its own names and addresses in them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from phonolith.web.names import shown
from phonolith.web.offerings import BundleView, TorrentView


@dataclass(frozen=True, slots=True)
class Way:
    """One way to take a bundle: for whom, what to know of it, and what to type ("" where there is a window)."""

    title: str
    words: str
    commands: str = ""


def ways(bundle: BundleView, where: str) -> tuple[Way, ...]:
    """Ways to take a bundle of which anything is offered, the easiest first; ``where`` is this library's address."""
    if not bundle.torrents:
        return ()
    first = bundle.torrents[0]
    twin = next((one for one in bundle.torrents if one.kind == "v1"), None)
    return (
        _window(first, twin),
        _terminal(bundle, twin or first, where),
        Way(
            "Without BitTorrent",
            "Every file in the list below is a link. Save what you want, and ATTRIBUTION.txt, which says whose it is.",
        ),
        Way(
            "Phonolith, as a mirror",
            "Takes what fits on your disk, checks all of it, and gives it on: pages, search and torrents too.",
            _lines("phonolith init share", f"phonolith mirror {_quoted(where)} --archive share --budget 500GB"),
        ),
    )


def _window(first: TorrentView, twin: TorrentView | None) -> Way:
    words = "Download the torrent file and open it in the client, choose a folder, and leave it on to give to others. "
    if first.kind == "hybrid":
        words += "qBittorrent and WebTorrent take the hybrid torrent. "
        if twin:
            words += "Transmission 3 refuses it and takes the one marked v1. "
    elif first.kind == "v2":
        words += "It takes a client of version 2, such as qBittorrent. "
    return Way("In a window: qBittorrent, Transmission", words.strip())


def _terminal(bundle: BundleView, torrent: TorrentView, where: str) -> Way:
    name = torrent.url.rpartition("/")[2]
    commands = _lines(
        f"curl -fsSO {_quoted(where + torrent.url)}",
        f"aria2c --seed-time=0 {_quoted(name)}",
        f"cd {_quoted(bundle.name)}",
    )
    words = "rTorrent takes both torrents; aria2 finds peers by the one marked v1."
    return Way("In a terminal: aria2, rTorrent", words if torrent.kind == "v1" else "", commands)


def _lines(*commands: str) -> str:
    return "\n".join(commands)


def _quoted(word: str) -> str:
    """One word for a shell, with nothing in it that does not show."""
    return shlex.quote(shown(word))
