"""Crash reports: a traceback goes to a file that a person can send, never to the terminal."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from phonolith import __version__


def write_report(error: Exception, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """Write ``crash-TIME.txt`` into the archive's state/, else the system's temporary folder; "" if neither works.

    The report has versions, the command line and the traceback, no environment: it may be sent to strangers.
    """
    from phonolith.cli.main import archive_folder

    lines = [
        f"phonolith {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {' '.join(['phonolith', *argv])}",
        "",
        *traceback.format_exception(error),
    ]
    name = f"crash-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    for folder in (archive_folder(argv, dict(environment)) / "state", Path(tempfile.gettempdir())):
        if not folder.is_dir():
            continue
        try:
            path = folder / name
            path.touch(0o600, exist_ok=False)
            path.write_text("\n".join(lines), "utf-8", "backslashreplace")
        except OSError as problem:
            print(f"{folder}: {problem.strerror}", file=sys.stderr)  # noqa: T201 — the last resort has no view
            continue
        return str(path)
    return ""
