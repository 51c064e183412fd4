"""An archive as a place: its folders, its stores, its locks. No behaviour of stages lives here."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.errors import NewerFormat, NotAnArchive, SettingError, UsageError
from phonolith.store.damage import KnownDamage
from phonolith.store.doors import DoorKeys
from phonolith.store.files import atomic_write, make_folders, printable, storage_errors, sweep
from phonolith.store.history import History
from phonolith.store.ledger import Ledger
from phonolith.store.letters import Letters
from phonolith.store.locks import store_lock
from phonolith.store.log import Log
from phonolith.store.log_index import LogIndex
from phonolith.store.objects import ObjectStore
from phonolith.store.observations import Observations
from phonolith.store.private import PrivateStore
from phonolith.store.records import RecordStore
from phonolith.store.register import Register
from phonolith.store.schedule import Schedule
from phonolith.store.volumes import Volume, volumes_from
from phonolith.store.withdrawals import WithdrawalList

#: Version of the layout of held/, stated in held/FORMAT.
FORMAT = 1
SETTINGS = "phonolith.toml"
#: Stores that have a lock of their own. Register and private/ have none: anybody may write there at any time.
#: ``notices`` is held for milliseconds, so that steps of notices come one by one; ``mail`` by whoever sends letters;
#: ``door`` for milliseconds too, ``look`` by whoever looks at pages that were proven.
LOCKS = (
    "harvest",
    "build",
    "release",
    "log",
    "verify",
    "seed",
    "withdrawals",
    "follow",
    "keep",
    "mirror",
    "notices",
    "mail",
    "door",
    "look",
    "derive",
    "swarm",
)

_TEXTS = Path(__file__).parent
_README = _TEXTS.joinpath("held_readme.txt").read_text(encoding="utf-8")
_TEMPLATE = _TEXTS.joinpath("phonolith.toml").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Archive:
    """The paths of one archive. Stores are opened at each call and closed by whoever asked, as ``with`` blocks."""

    root: Path
    name: str
    volumes: tuple[Volume, ...]

    @staticmethod
    def create(root: Path, *, name: str, contact: str, now: str) -> Archive:
        """Make a new archive in a folder that holds none. ``now`` is ISO 8601, UTC.

        The settings file comes last, so an interrupted creation is simply done again. Raises UsageError, StorageError.
        """
        if (root / SETTINGS).exists():
            raise UsageError(printable(root), "it is an archive already", "Use it as it is, or choose another folder")
        values = {"{name}": _toml("name", name), "{contact}": _toml("contact", contact)}
        settings = re.sub(r"\{\w+\}", lambda match: values[match[0]], _TEMPLATE)
        with storage_errors(root):
            _make_place(root)
            atomic_write(root / "held" / "README.txt", _README.encode())
            atomic_write(root / "held" / "FORMAT", f"{FORMAT}\n".encode())
        archive = Archive(root, name, volumes_from(tomllib.loads(settings)["volumes"], root))
        for volume in archive.volumes:
            volume.prepare()
        with archive.register() as register, archive.private_store() as private:
            if register.head()[0] == 0:
                actor = private.actor_token("operator")
                register.append("archive.created", {"name": name, "format": FORMAT}, actor=actor, time=now)
        atomic_write(root / SETTINGS, settings.encode())
        return archive

    @staticmethod
    def open(root: Path) -> Archive:
        """An existing archive. Raises NotAnArchive, NewerFormat, SettingError, StorageError."""
        settings = _read_settings(root)
        _check_format(root)
        name = settings.get("name", root.absolute().name)
        volumes = settings.get("volumes", {"main": "held/objects/main"})
        if not isinstance(name, str):
            raise SettingError("name", "it is not a text", 'Write name = "…" in phonolith.toml')
        if not isinstance(volumes, dict):
            raise SettingError("volumes", "it is not a table", "Write [volumes] in phonolith.toml")
        archive = Archive(root, name, volumes_from(volumes, root))
        with storage_errors(root):
            for folder in (archive.derived, archive.state):
                folder.mkdir(exist_ok=True)  # both may be deleted at any moment
        return archive

    @property
    def held(self) -> Path:
        """Append-only truth."""
        return self.root / "held"

    @property
    def derived(self) -> Path:
        """What ``build`` can make again."""
        return self.root / "derived"

    @property
    def private(self) -> Path:
        """What is about people; mode 0700."""
        return self.root / "private"

    @property
    def state(self) -> Path:
        """What may be lost at the cost of time."""
        return self.root / "state"

    @property
    def keys(self) -> Path:
        """Signing keys; mode 0700."""
        return self.root / "keys"

    @property
    def catalogue(self) -> Path:
        """The catalogue file, whether built yet or not."""
        return self.derived / "catalogue.sqlite"

    @property
    def access(self) -> Path:
        """Access copies of objects, whether any were made or not."""
        return self.derived / "access"

    @property
    def changes(self) -> Path:
        """What the last build found changed since earlier harvests, whether built yet or not."""
        return self.derived / "changes.sqlite"

    @property
    def bundle_index(self) -> Path:
        """By which bundle an object was published, whether built yet or not."""
        return self.derived / "bundles.sqlite"

    @contextlib.contextmanager
    def lock(self, store: str, *, what: str) -> Iterator[None]:
        """Hold one store for the duration of a ``with`` block; ``what`` tells others what is going on.

        Raises Busy at once, naming process, work and since when. A dead holder's lock is free. Under ``harvest``,
        ``release`` and ``log``, what a crash left half written there is removed first.
        """
        if store not in LOCKS:
            raise UsageError(f"lock {store}", f"there is no such lock; locks are {', '.join(LOCKS)}")
        with store_lock(self.state / f"{store}.lock", what=what):
            if store in ("harvest", "release"):
                self._sweep()
            elif store in ("log", "withdrawals"):
                for folder in (self.keys, self.held / "log" / "seen", *self.held.glob("log/evidence/*/")):
                    sweep(folder)
            yield

    def records(self) -> RecordStore:
        """held/records."""
        return RecordStore(self.held / "records", self.objects(), self._ledger)

    def history(self) -> History:
        """held/records as it was at other times, to read. Raises NotFound where nothing was ever harvested."""
        return History(self.held / "records", self._ledger, self.volumes)

    def objects(self) -> ObjectStore:
        """held/objects and held/ledger.sqlite."""
        return ObjectStore(self._ledger, self.volumes, damage=self.damage())

    def ledger(self) -> Ledger:
        """held/ledger.sqlite."""
        return Ledger(self._ledger)

    def register(self) -> Register:
        """held/register.sqlite."""
        return Register(self.held / "register.sqlite")

    def observations(self) -> Observations:
        """held/observations.sqlite."""
        return Observations(self._observations)

    def damage(self) -> KnownDamage:
        """What held/observations.sqlite says is damaged."""
        return KnownDamage(self._observations)

    def observed(self) -> tuple[int, ...]:
        """Other numbers as soon as another look at held bytes was written down: times and sizes of the files."""
        found = []
        for path in (self._observations, self.held / "observations.sqlite-wal"):
            with contextlib.suppress(OSError):
                seen = path.stat()
                found += [seen.st_mtime_ns, seen.st_size]
        return tuple(found)

    def schedule(self) -> Schedule:
        """state/fixity.sqlite: when what was read last."""
        with self.ledger():  # so that there is one
            return Schedule(self.schedule_path, self._ledger)

    @property
    def schedule_path(self) -> Path:
        """The schedule's file, whether anything was read yet or not."""
        return self.state / "fixity.sqlite"

    @property
    def seed_status(self) -> Path:
        """state/seed/status.json: what a running seeder writes of itself, for whoever asks."""
        return self.state / "seed" / "status.json"

    @property
    def swarm_status(self) -> Path:
        """state/swarm.json: how swarms stood at the last look, and when each tracker may be asked again."""
        return self.state / "swarm.json"

    def log(self) -> Log:
        """held/log: what was committed to."""
        return Log(self.held / "log")

    def withdrawals(self) -> WithdrawalList:
        """held/withdrawals: what of everything published is not offered any more."""
        return WithdrawalList(self.held / "withdrawals")

    def log_index(self) -> LogIndex:
        """state/log.sqlite, made anew where it is not there."""
        return LogIndex(self.state / "log.sqlite")

    def private_store(self) -> PrivateStore:
        """private/people.sqlite."""
        return PrivateStore(self.private / "people.sqlite")

    def letters(self) -> Letters:
        """private/letters.sqlite: what senders of notices wrote, and mail that waits."""
        return Letters(self.private / "letters.sqlite")

    def doors(self) -> DoorKeys:
        """private/doors.sqlite: codes and personal links of the artist's door."""
        return DoorKeys(self.private / "doors.sqlite")

    @property
    def outbox(self) -> Path:
        """private/outbox: mail to be sent by hand, where no server is set."""
        return self.private / "outbox"

    @property
    def _ledger(self) -> Path:
        return self.held / "ledger.sqlite"

    @property
    def _observations(self) -> Path:
        return self.held / "observations.sqlite"

    def _sweep(self) -> None:
        for folder in (*(volume.path for volume in self.volumes), *(self.held / "records").glob("*/")):
            sweep(folder)


def _make_place(root: Path) -> None:
    make_folders(root)
    for name, mode in (("held", 0o755), ("derived", 0o755), ("state", 0o755), ("private", 0o700), ("keys", 0o700)):
        make_folders(root / name, mode)
        (root / name).chmod(mode)
    make_folders(root / "held" / "records")
    make_folders(root / "held" / "objects")


def _read_settings(root: Path) -> Mapping[str, Any]:
    path = root / SETTINGS
    try:
        with storage_errors(path):
            text = path.read_text(encoding="utf-8") if path.exists() else None
    except UnicodeDecodeError as error:
        raise SettingError(printable(path), "it is not UTF-8", "Save it as UTF-8") from error
    if text is None or not (root / "held").is_dir():
        missing = "there is no phonolith.toml in it" if text is None else "its folder held/ is missing"
        raise NotAnArchive(
            printable(root),
            f"it is not an archive: {missing}",
            "Name an archive with --archive, or make one: phonolith init",
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(printable(path), f"it is not TOML ({error})", "Correct that line") from error


def _check_format(root: Path) -> None:
    path = root / "held" / "FORMAT"
    with storage_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    if not text.isascii() or not text.isdigit():
        raise NotAnArchive(printable(root), "held/FORMAT does not say which format it has", "Restore held/FORMAT")
    if int(text) > FORMAT:
        raise NewerFormat(
            printable(root),
            f"it was made by a newer version of Phonolith (format {text}; this version reads up to {FORMAT})",
            "Upgrade Phonolith",
        )


def _toml(setting: str, text: str) -> str:
    """A TOML basic string. Raises SettingError on what no text file can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SettingError(setting, "it is not Unicode text", "Write it in UTF-8") from error
    if any(c < " " or c == "\x7f" for c in text):
        raise SettingError(setting, "it has a control character in it", "Leave it out")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
