"""Settings: which of three places wins, and what a mistake in each of them says."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.config import load
from phonolith.errors import NotAnArchive, SettingError, StorageError
from phonolith.setting import SETTINGS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "phonolith.toml").write_text(
        'name = "Stones"\ncontact = "a@b.example"\n\n[volumes]\nmain = "held/objects/main"\n\n[serve]\nport = 8001\n'
    )
    return tmp_path


def test_flags_win_over_variables_over_the_file_over_defaults(root: Path) -> None:
    assert load(root, {}).serve_port == 8001
    assert load(root, {"PHONOLITH_SERVE_PORT": "8002"}).serve_port == 8002
    assert load(root, {"PHONOLITH_SERVE_PORT": "8002"}, {"serve.port": 8003}).serve_port == 8003
    assert load(root, {}).serve_host == "127.0.0.1"


def test_each_value_names_its_origin(root: Path) -> None:
    rows = {row["key"]: row for row in load(root, {"PHONOLITH_BUILD_WORKERS": "3"}, {"serve.host": "::1"}).explain()}
    assert rows["serve.port"]["origin"] == f"{root}/phonolith.toml:8"
    assert rows["volumes"]["origin"].startswith(f"{root}/phonolith.toml")
    assert rows["build.workers"]["origin"] == "PHONOLITH_BUILD_WORKERS"
    assert rows["serve.host"]["origin"] == "--host"
    assert rows["operator.territory"]["origin"] == "default"
    assert all(row["meaning"] for row in rows.values())


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("[serve]\nprt = 1\n", ":2", "no setting 'serve.prt'"),
        ('[serve]\nport = "many"\n', ":2", "whole number"),
        ("[serve]\nport = true\n", ":2", "whole number"),
        ("serve.port = 70000\n", ":1", "0 to 65535"),
        ('\n\nname = ["a"]\n', ":3", "has to be text"),
        ('[operator]\nterritory = "Germany"\n', ":2", "two letters"),
        ("[operator]\nterritory = DE\n", "", "not TOML"),
        ('volumes = "here"\n', ":1", "table"),
        ('[publish]\nterritories = "DE"\n', ":2", "list"),
        ("x = 1\n", ":1", "no setting 'x'"),
    ],
)
def test_a_mistake_names_file_line_and_key(tmp_path: Path, text: str, where: str, says: str) -> None:
    (tmp_path / "phonolith.toml").write_text(text)
    with pytest.raises(SettingError) as raised:
        load(tmp_path, {})
    assert raised.value.subject == f"{tmp_path}/phonolith.toml{where}"
    assert says in raised.value.problem
    assert raised.value.remedy


def test_a_wrong_variable_is_named(root: Path) -> None:
    with pytest.raises(SettingError, match="PHONOLITH_SERVE_PORT"):
        load(root, {"PHONOLITH_SERVE_PORT": "eight"})


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "phonolith.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(SettingError, match="UTF-8"):
        load(tmp_path, {})


def test_a_disk_that_fails_is_no_matter_of_permissions(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_text", fails)
    with pytest.raises(StorageError, match=r"phonolith\.toml: the disk failed to read or write"):
        load(root, {}, {})


def test_a_folder_without_settings_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(NotAnArchive, match="phonolith init"):
        load(tmp_path, {})


def test_where_truth_lies_is_not_moved_by_a_variable(root: Path) -> None:
    assert load(root, {"PHONOLITH_VOLUMES": "main=/elsewhere"}).volumes == {"main": "held/objects/main"}


@given(st.text(max_size=30))
def test_any_text_in_a_variable_is_read_or_refused(text: str) -> None:
    for item in SETTINGS:
        try:
            value = item.read(item.parse(text))
        except ValueError as error:
            assert str(error)
        else:
            assert value is not None
