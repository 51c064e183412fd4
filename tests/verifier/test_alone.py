"""The verifier by itself: copied out, on a bare interpreter, and what it says by exit code."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith import verifier
from phonolith.store.log import head_file
from phonolith.verifier import GENESIS, ListHead, canonical, digest, dump, fingerprint, signed_bytes
from tests.verifier.signing import NOW, Signer, private, public
from tests.verifier.test_proofs import FILE, proof_of

SOURCE = Path(verifier.__file__)


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the copied file as a stranger would, with nothing of this project in reach."""
    shutil.copy(SOURCE, tmp_path / "verifier.py")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "verifier.py", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    (tmp_path / "file").write_bytes(FILE)
    (tmp_path / "other").write_bytes(FILE[1:])
    (tmp_path / "proof").write_text(json.dumps(proof_of(FILE, 3, 4, rotations=1)))
    (tmp_path / "junk").write_text("junk")
    log = Signer()
    log.commit("a", "b")
    (tmp_path / "head").write_bytes(head_file(log.heads))
    fork = log.copy()
    log.commit("c")
    fork.commit("d")
    log.write(tmp_path / "log")
    fork.write(tmp_path / "fork")
    return run


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check-proof", "proof", "file"], 0, "committed to by log"),
        (["check-proof", "proof"], 0, "say they saw it: 1."),
        (["check-proof", "proof", "other"], 1, "proof.file"),
        (["check-log", "head", "log"], 0, "consistent."),
        (["check-log", "log", "fork"], 1, "refuted."),
        (["check-log", "log", "head"], 1, "log.shrank"),
        (["check-proof", "junk"], 9, "not readable"),
        (["check-log", "log", "junk"], 9, "not readable"),
        (["check-proof", "none"], 4, "none"),
        (["check-proof", "proof", "none"], 4, "none"),
        (["check-log", "log", "none"], 4, "none"),
        ([], 2, "check-proof PROOF"),
        (["check"], 2, "check-log OLD NEW"),
    ],
)
def test_what_it_says(
    alone: Callable[..., subprocess.CompletedProcess[str]], words: list[str], code: int, said: str
) -> None:
    done = alone(*words)
    assert done.returncode == code and said in done.stdout and not done.stderr


def test_a_refuted_log_gives_the_two_heads_that_prove_it(
    alone: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    lines = alone("check-log", "log", "fork").stdout.splitlines()
    heads = [verifier.read_head(json.loads(line)) for line in lines[-2:]]
    assert all(map(verifier.is_signed, heads)) and heads[0] != heads[1]


def test_it_imports_the_standard_library_alone() -> None:
    found = set()
    for node in ast.walk(ast.parse(SOURCE.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    assert found and {name.partition(".")[0] for name in found} <= sys.stdlib_module_names


@pytest.mark.peers
def test_openssl_and_jq_verify_a_head_too(tmp_path: Path, peer: Callable[..., str]) -> None:
    """The recipe of docs/on-disk-format.md: no line of ours."""
    openssl, jq = peer("openssl"), peer("jq")
    log = Signer()
    head = log.commit("a")
    (tmp_path / "head.json").write_text(json.dumps(dump(head), indent=3))
    words = [jq, "-cjS", "del(.signature)", "head.json"]
    text = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout
    assert text == signed_bytes(head)
    (tmp_path / "said").write_bytes(text)
    (tmp_path / "signature").write_bytes(bytes.fromhex(head.signature))
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100" + head.key))
    words = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "said"]
    command = [openssl, *words, "-sigfile", "signature"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "said").write_bytes(text + b" ")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lines", "heads"], 0, "2 lines, signed by log"),
        (["lines", "heads", "old"], 0, "2 lines"),
        (["lines", "old", "heads"], 1, "withdrawals.shortened"),
        (["forged", "heads"], 1, "withdrawals.rewritten"),
        (["lines", "junk"], 9, "not readable"),
        (["lines", "none"], 4, "none"),
    ],
)
def test_what_it_says_of_a_list_of_withdrawals(
    alone: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    lines, heads = list_of(["withdrawn", "expunged"])
    (tmp_path / "lines").write_bytes(b"".join(lines))
    (tmp_path / "forged").write_bytes(b"".join(lines).replace(b"expunged", b"reinstated"))
    (tmp_path / "heads").write_bytes(b"".join(heads))
    (tmp_path / "old").write_bytes(heads[0])
    done = alone("check-withdrawals", *words)
    assert done.returncode == code and said in done.stdout, done.stdout + done.stderr


def list_of(events: list[str]) -> tuple[list[bytes], list[bytes]]:
    """Lines of a list, and a head after each."""
    lines: list[bytes] = []
    heads: list[ListHead] = []
    for number, event in enumerate(events, 1):
        previous = hashlib.sha256(lines[-1][:-1]).hexdigest() if lines else GENESIS
        told = {"number": number, "previous": previous, "event": event, "ground": "owner", "time": NOW}
        lines.append(canonical({**told, "root": f"{number:064x}", "sha256": f"{number + 9:064x}"}) + b"\n")
        head = ListHead(
            log=fingerprint(public(1)),
            size=number,
            last=hashlib.sha256(lines[-1][:-1]).hexdigest(),
            previous=digest(heads[-1]) if heads else GENESIS,
            time=NOW,
            key=public(1),
            signature="",
        )
        heads.append(head._replace(signature=private(1).sign(signed_bytes(head)).hex()))
    return lines, [canonical(dump(head)) + b"\n" for head in heads]
