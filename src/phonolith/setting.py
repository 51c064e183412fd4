"""Every setting that there is: its key, its default, what it means, and how a value of it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_PORT = 8990
DEFAULT_LISTEN = ("0.0.0.0:6881", "[::]:6881")  # every network, by either version of IP
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its key in the file, its default and what it means.

    ``in_file_only`` is for what says where truth lies: a variable left over in a shell must not move it.

    ``in_catalogue`` marks what a build reads: with the same held/ and date it alone decides what the catalogue says.

    ``read`` turns a value from the file into the setting's value and raises ValueError with a sentence; ``parse``
    makes what ``read`` takes out of the text of a variable.
    """

    key: str
    default: Any
    meaning: str
    read: Callable[[Any], Any]
    parse: Callable[[str], Any] = str
    in_file_only: bool = False
    in_catalogue: bool = False

    @property
    def attribute(self) -> str:
        """Its name in :class:`Settings`: ``serve.port`` is ``serve_port``."""
        return self.key.replace(".", "_").replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable: ``serve.port`` is ``PHONOLITH_SERVE_PORT``."""
        return "PHONOLITH_" + self.attribute.upper()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"has to be text, not {value!r}")
    return value


def _number(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"has to be a whole number from {low} to {high}, not {value!r}")
        return value

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"has to be true or false, not {value!r}")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'has to be a list of texts, as in ["a", "b"], not {value!r}')
    return tuple(value)


def _address(value: Any) -> str:
    address = _text(value).rstrip("/")
    if address and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", address):
        raise ValueError(f"has to be an address such as https://music.example.org, not {value!r}")
    return address


def _email(value: Any) -> str:
    address = _text(value)
    if address and not re.fullmatch(r"[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+", address):
        raise ValueError(f"has to be an address of mail such as notices@example.org, not {value!r}")
    return address


def _mail_server(value: Any) -> str:
    address = _text(value)
    if address and not re.fullmatch(r"smtp(s|\+starttls)?://[A-Za-z0-9.-]+:[0-9]{1,5}", address):
        raise ValueError(f"has to be a server and a port, as in smtp://127.0.0.1:25, not {value!r}")
    return address


def _witnesses(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    for one in found:
        url, _, key = one.rpartition("#")
        if not _address(url) or not re.fullmatch("[0-9a-f]{64}", key):
            raise ValueError(
                f"has to have an address and a key in each place, as in https://….example.org#6f3a…, not {one!r}"
            )
    return found


def _ends(value: Any) -> tuple[str, ...]:
    ends = _texts(value)
    for end in ends:
        host, colon, port = end.rpartition(":")
        if not (host and colon and port.isdigit() and int(port) <= _LAST_PORT):
            raise ValueError(f"has to have a host and a port in each place, as in 192.0.2.1:6881, not {end!r}")
    return ends


def _territory(value: Any) -> str:
    code = _text(value).upper()
    if code and not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError(f"has to be a country code of two letters (ISO 3166-1), as in DE, not {value!r}")
    return code


def _territories(value: Any) -> tuple[str, ...]:
    return tuple(_territory(item) for item in _texts(value))


def _folders(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError(f'has to be a table of names and folders, as in main = "held/objects/main", not {value!r}')
    return dict(value)


def _addresses(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f'has to be a table of origins and addresses, as in musicbrainz = "https://…", not {value!r}')
    return {name: _address(address) for name, address in value.items()}


def _parse_number(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else text


def _parse_flag(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), text)


def _parse_list(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]


SETTINGS: tuple[Setting, ...] = (
    Setting("name", "", "What the archive is called, on its pages and in what it publishes", _text, in_catalogue=True),
    Setting("contact", "", "Who answers for it: an address or a page; harvesting tells it to every source", _text),
    Setting(
        "volumes",
        {},
        "Folders that hold the bytes, each with a name; the roomiest is filled first",
        _folders,
        in_file_only=True,
    ),
    Setting(
        "operator.territory",
        "",
        "Country you stream from (ISO 3166-1); without it only what is licensed worldwide is streamed",
        _territory,
    ),
    Setting(
        "publish.territories",
        (),
        "Countries a release has to be lawful in; empty: worldwide licences only",
        _territories,
        _parse_list,
    ),
    Setting(
        "publish.url",
        "",
        "Address at which others reach this library; web seeds and links in what is published begin with it",
        _address,
    ),
    Setting(
        "publish.trackers",
        (),
        "Trackers that published torrents name, each announced to; empty: peers find each other without",
        _texts,
        _parse_list,
    ),
    Setting(
        "publish.witnesses",
        (),
        "Mirrors that are asked for countersignatures of the log's heads: address, #, and the key whose word counts",
        _witnesses,
        _parse_list,
    ),
    Setting(
        "mirror.countersign",
        False,
        "Whether this archive signs, for others to fetch, that it saw the log of what it mirrors grow",
        _flag,
        _parse_flag,
    ),
    Setting(
        "harvest.origins",
        {},
        "Addresses asked in place of a source's own, by origin: a mirror or a cache, which may lie in your network",
        _addresses,
        in_file_only=True,
    ),
    Setting("serve.host", "127.0.0.1", "Address the library listens at; 0.0.0.0 is every network you are on", _text),
    Setting("serve.port", DEFAULT_PORT, "Port the library listens at", _number(0, 65535), _parse_number),
    Setting(
        "serve.workers",
        0,
        "Processes the library is served by; 0: one for each processor",
        _number(0, 256),
        _parse_number,
    ),
    Setting(
        "seed.listen",
        DEFAULT_LISTEN,
        "Where seeding listens, host and port; a router has to let that port in, or peers must be found by us",
        _ends,
        _parse_list,
    ),
    Setting("seed.dht", True, "Whether peers may find us without a tracker (DHT)", _flag, _parse_flag),
    Setting(
        "seed.dht-nodes",
        (),
        "Nodes by which the DHT is entered, host and port; empty: those that libtorrent knows",
        _ends,
        _parse_list,
    ),
    Setting("seed.lsd", False, "Whether peers in the same network are told of us", _flag, _parse_flag),
    Setting("seed.upnp", False, "Whether the router is asked to let peers in (UPnP, NAT-PMP)", _flag, _parse_flag),
    Setting(
        "seed.upload-limit",
        0,
        "Most kB a second that are given; 0: as much as goes",
        _number(0, 100_000_000),
        _parse_number,
    ),
    Setting("seed.connections", 500, "Most peers at a time, of all bundles", _number(1, 100_000), _parse_number),
    Setting(
        "seed.peers",
        (),
        "Peers that are called without being found first, host and port: mirrors that are known",
        _ends,
        _parse_list,
    ),
    Setting(
        "swarm.patience",
        120,
        "Seconds in which no peer gives anything that is wanted until fetching ends and says what is missing",
        _number(1, 1_000_000),
        _parse_number,
    ),
    Setting(
        "swarm.web-seeds",
        True,
        "Whether what is fetched by BitTorrent may come from the web seeds in the torrent too",
        _flag,
        _parse_flag,
    ),
    Setting(
        "notices.rules",
        True,
        "Whether a complete notice hides what it is about by itself after an hour, and what nobody sues over returns",
        _flag,
        _parse_flag,
    ),
    Setting(
        "notices.calm",
        20,
        "Notices within an hour from which on no rule hides anything, and a person has to look",
        _number(0, 100_000),
        _parse_number,
    ),
    Setting(
        "notices.from", "", "Address that mail about notices comes from; without it the contact, if it is one", _email
    ),
    Setting(
        "notices.smtp",
        "",
        "Server that takes mail about notices: smtp://, smtps:// or smtp+starttls://, host and port",
        _mail_server,
    ),
    Setting(
        "notices.sendmail",
        (),
        "Program that takes mail where no server is set, as sendmail -t -i; without both it lies in private/outbox",
        _texts,
        _parse_list,
    ),
    Setting(
        "door.open",
        True,
        "Whether artists and labels may prove a page of theirs, and say what is theirs",
        _flag,
        _parse_flag,
    ),
    Setting(
        "door.calm",
        10,
        "Artists an hour who are let in by their page alone; further ones wait for a person",
        _number(0, 100_000),
        _parse_number,
    ),
    Setting(
        "door.trusted",
        (),
        "Origins inside this network whose pages may be looked at, as in http://intranet:8080; others never are",
        _texts,
        _parse_list,
    ),
    Setting("build.workers", 0, "Processes a build may use; 0: one for each processor", _number(0, 256), _parse_number),
    Setting(
        "fixity.period",
        180,
        "Days in which verify reads every held byte again, once",
        _number(1, 36_500),
        _parse_number,
    ),
    Setting(
        "fixity.share",
        100,
        "Share of the time, in percent, for which verify reads; 25 leaves the disks to others three quarters of it",
        _number(1, 100),
        _parse_number,
    ),
    Setting(
        "fixity.threads", 0, "Files that verify reads at once; 0: one for each processor", _number(0, 64), _parse_number
    ),
)
