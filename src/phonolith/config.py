"""Settings as one frozen value: phonolith.toml, then PHONOLITH_… variables, then flags, with origin and meaning."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from phonolith.errors import NotAnArchive, SettingError
from phonolith.setting import DEFAULT_LISTEN, DEFAULT_PORT, SETTINGS, Setting
from phonolith.store.files import storage_error

FILE_NAME = "phonolith.toml"

#: The version of the folder's format, which the file carries and nobody sets.
_FORMAT_KEY = "format"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of an archive; the attribute is the key with ``_`` for ``.``."""

    name: str = ""
    contact: str = ""
    volumes: Mapping[str, str] = field(default_factory=dict)
    operator_territory: str = ""
    publish_territories: tuple[str, ...] = ()
    publish_url: str = ""
    publish_trackers: tuple[str, ...] = ()
    publish_witnesses: tuple[str, ...] = ()
    mirror_countersign: bool = False
    harvest_origins: Mapping[str, str] = field(default_factory=dict)
    serve_host: str = "127.0.0.1"
    serve_port: int = DEFAULT_PORT
    serve_workers: int = 0
    seed_listen: tuple[str, ...] = DEFAULT_LISTEN
    seed_dht: bool = True
    seed_dht_nodes: tuple[str, ...] = ()
    seed_lsd: bool = False
    seed_upnp: bool = False
    seed_upload_limit: int = 0
    seed_connections: int = 500
    seed_peers: tuple[str, ...] = ()
    swarm_patience: int = 120
    swarm_web_seeds: bool = True
    notices_rules: bool = True
    notices_calm: int = 20
    notices_from: str = ""
    notices_smtp: str = ""
    notices_sendmail: tuple[str, ...] = ()
    door_open: bool = True
    door_calm: int = 10
    door_trusted: tuple[str, ...] = ()
    build_workers: int = 0
    fixity_period: int = 180
    fixity_share: int = 100
    fixity_threads: int = 0
    origins: Mapping[str, str] = field(default_factory=dict)

    def explain(self) -> list[dict[str, Any]]:
        """Each setting with key, value, origin, variable and meaning, in the order of the documentation."""
        return [
            {
                "key": item.key,
                "value": getattr(self, item.attribute),
                "origin": self.origins.get(item.key, "default"),
                "variable": "" if item.in_file_only else item.variable,
                "meaning": item.meaning,
            }
            for item in SETTINGS
        ]


def load(root: Path, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings of the archive at ``root``: file, then environment, then flags (keyed ``serve.port``; None: unset).

    Raises NotAnArchive without a settings file, SettingError naming file and line, variable or flag for an unknown
    key or a value of the wrong kind.
    """
    return _settings(_from_file(root / FILE_NAME), environment, {} if flags is None else flags)


def without_archive(environment: Mapping[str, str]) -> Settings:
    """The settings where there is no archive: the environment, else defaults. Raises SettingError."""
    return _settings([], environment, {})


def _settings(
    from_file: list[tuple[Setting, Any, str]], environment: Mapping[str, str], flags: Mapping[str, Any]
) -> Settings:
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for item, value, origin in [*from_file, *_from_environment(environment), *_from_flags(flags)]:
        try:
            values[item.attribute] = item.read(value)
        except ValueError as error:
            raise SettingError(origin, f"{item.key} {error}", item.meaning) from None
        origins[item.key] = origin
    return Settings(**values, origins=origins)


def _from_file(path: Path) -> list[tuple[Setting, Any, str]]:
    text = _read(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(
            str(path), f"is not TOML: {error}", "Mend the line, or compare with docs/reference"
        ) from None
    known = {item.key: item for item in SETTINGS}
    found = []
    for key, value in _flatten(document, set(known)):
        if key == _FORMAT_KEY:
            continue
        origin = f"{path}:{_line_of(text, key)}"
        if key not in known:
            raise SettingError(origin, f"there is no setting {key!r}", _did_you_mean(key, list(known)))
        found.append((known[key], value, origin))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise NotAnArchive(
            str(path.parent),
            f"is not an archive: it has no {FILE_NAME}",
            "Make one with: phonolith init DIR --name … --contact …, or name yours with --archive DIR",
        ) from None
    except UnicodeDecodeError as error:
        raise SettingError(str(path), f"is not UTF-8 (byte {error.start})", "Save it as UTF-8") from None
    except OSError as error:
        raise storage_error(path, error) from None


def _flatten(table: Mapping[str, Any], known: set[str], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, dict) and name not in known:
            pairs += _flatten(value, known, name + ".")
        else:
            pairs.append((name, value))
    return pairs


def _line_of(text: str, key: str) -> int:
    """The line on which a key stands, found by its table header; 1 where it is written in a way not looked for."""
    table, _, last = key.rpartition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if header:
            current = header[1]
            if current == key:
                return number
        name = re.match(r"\s*([\w.-]+)\s*=", line)
        if name and (f"{current}.{name[1]}" if current else name[1]) in (key, f"{table}.{last}"):
            return number
    return 1


def _did_you_mean(key: str, known: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(key, known, 1, 0.5)
    return f"Did you mean {close[0]!r}?" if close else f"Settings are: {', '.join(known)}"


def _from_environment(environment: Mapping[str, str]) -> list[tuple[Setting, Any, str]]:
    return [
        (item, item.parse(environment[item.variable]), item.variable)
        for item in SETTINGS
        if item.variable in environment and not item.in_file_only
    ]


def _from_flags(flags: Mapping[str, Any]) -> list[tuple[Setting, Any, str]]:
    known = {item.key: item for item in SETTINGS}
    return [(known[key], value, f"--{key.rpartition('.')[2]}") for key, value in flags.items() if value is not None]


_declared = {item.attribute for item in SETTINGS} | {"origins"}
if _declared != {item.name for item in fields(Settings)}:  # one list would hide the types from every reader
    raise AssertionError(f"SETTINGS and Settings differ: {_declared ^ {item.name for item in fields(Settings)}}")
