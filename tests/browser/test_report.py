"""Reports of audits in a real browser, an honest one and one full of attacks: axe, narrow and wide, light and dark."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.audit.report import page
from tests.audit.test_report import hostile, report
from tests.browser.test_browser import HERE, failures
from tests.conftest import missing_peer

pytestmark = pytest.mark.peers


def test_reports_through_axe(peer: Callable[..., str], tmp_path: Path) -> None:
    node, chromium = peer("node", "nodejs"), peer("chromium", "chromium-browser", "google-chrome")
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        missing_peer("playwright-core and axe-core are not installed (npm install in tests/browser)")
    pages = {"honest": page(report(), "Four things"), "hostile": page(hostile(), "<script>alert(1)</script>\u202e")}
    for name, html in pages.items():
        (tmp_path / f"{name}.html").write_text(html, "utf-8")
    (tmp_path / "ids.json").write_text(json.dumps({name: f"{name}.html" for name in pages}))
    command = [node, str(HERE / "report.mjs"), f"{tmp_path.as_uri()}/", str(tmp_path / "ids.json"), chromium]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert failures(found) == []
    assert len(found) == 5 * len(pages) + 1
