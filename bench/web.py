"""Serving measured: byte ranges beside nginx and Starlette's FileResponse, and the search page of an archive.

    python -m bench.web ranges            256 KiB random ranges of one file of 150 MB, 16 connections, warm
    python -m bench.web search ARCHIVE    the search page of `phonolith serve` over a built archive, 16 connections

wrk on the same machine, rounds interleaved, medians. For ranges one worker each; the search page is served once by one
process and once by one for each processor, and the memory of each is printed. Beside the clock stands what an answer
takes of processor time, which other work on the machine disturbs less. Needs wrk, and nginx for its row.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import apsw

from bench.build import family
from phonolith.store.archive import Archive
from phonolith.web.workers import processors

_SIZE = 150_000_000
_ROUNDS = 3
_SECONDS = 6
_ADDRESSES = 20_000  # so many that words meet lists that were kept no more often than a visitor's do
_WARM = 200
_RANGE_LUA = """
math.randomseed(7)
request = function()
  local first = math.random(0, {last})
  return wrk.format("GET", "{path}", {{["Range"] = "bytes=" .. first .. "-" .. first + 262143}})
end
"""
_SEARCH_LUA = """
local paths = {{ {paths} }}
math.randomseed(7)
local asked = 0
request = function()
  asked = asked + 1
  local more = "MORE"
  local headers = {{}}
  if more:sub(-5) == " gzip" then more = more:sub(1, -6); headers["Accept-Encoding"] = "gzip" end
  if more:sub(-2) == "n=" then more = more .. asked .. "." .. math.random(1000000000) end
  local path = more == "" and paths[math.random({warm})] or paths[math.random(#paths)]
  return wrk.format("GET", path .. more, headers)
end
"""
_DONE = """
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status))
end
"""
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; types {{}} default_type application/octet-stream;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}; }} }}
"""
_FILE_RESPONSE = """
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route
async def file(request): return FileResponse({path!r})
app = Starlette(routes=[Route("/file", file)])
"""
_RANGES_SERVER = """
from pathlib import Path
from phonolith.config import Settings
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
app = create_app(Archive.open(Path({root!r})), Settings(name="Bench"))
"""


def ranges() -> None:
    """Random ranges from the gate's own endpoint, beside the peers."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path, root, digest, track = _archive_with_a_long_file(folder)
        (folder / "file").symlink_to(path)
        ours = stack.enter_context(_uvicorn(_RANGES_SERVER.format(root=str(root)), folder))
        plain = stack.enter_context(_uvicorn(_FILE_RESPONSE.format(path=str(path)), folder))
        rows = {
            "phonolith, with the gate": (ours, f"/media/{track}/{digest}"),
            "uvicorn + FileResponse": (plain, "/file"),
        }
        if shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"):
            rows["nginx (sendfile)"] = (stack.enter_context(_nginx(folder)), "/file")
        for port, address in rows.values():
            urllib.request.urlopen(f"http://127.0.0.1:{port}{address}").read()  # warm
        found = _interleaved(rows, lambda path: _RANGE_LUA.format(last=_SIZE - 262_144, path=path))
        base = statistics.median(one[0] for one in found.get("nginx (sendfile)", [(float("nan"),)]))
        _table(found, base)


def search(root: Path) -> None:
    """The search page with words of the archive's own titles."""
    paths = _queries(Archive.open(root).catalogue)
    lua = _SEARCH_LUA.format(paths=", ".join(f'"{path}"' for path in paths), warm=_WARM)
    kinds = {  # an unknown parameter makes an address that was never asked for: no page that was kept answers it
        "tracks, new words": "&kind=track&n=",
        "best of each kind, new words": "&n=",
        "the same as gzip": "&n= gzip",
        "best of each, asked before": "",
    }
    with ExitStack() as stack:
        numbers = dict.fromkeys((1, processors()))
        served = {number: stack.enter_context(_serve(root, number)) for number in numbers}
        rows = {
            f"{name}, {number} process{'es' if number > 1 else ''}": (port, more)
            for name, more in kinds.items()
            for number, (port, _) in served.items()
        }
        for port, _ in served.values():
            for path in paths[:_WARM]:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").read()
        _table(_interleaved(rows, lambda more: lua.replace("MORE", more), dict(served.values())))
        for number, (_, pid) in served.items():
            each = " ".join(f"{_pss(one):,}" for one in sorted(family(pid)))
            print(f"memory of {number} serving, MiB (proportional, the first waits only if there are more): {each}")


def _queries(catalogue: Path) -> list[str]:
    """Search addresses: one word, two words, a beginning, a title with its artist, words with a filter."""
    db = apsw.Connection(str(catalogue), flags=apsw.SQLITE_OPEN_READONLY)
    last = db.execute("SELECT max(id) FROM track").fetchone()[0]
    dice = random.Random(5)
    paths = []
    for _ in range(_ADDRESSES):
        row = db.execute("SELECT title FROM track WHERE id >= ? LIMIT 1", (dice.randint(1, last),)).fetchone()
        words = [word for word in re.findall(r"[A-Za-z]+", row[0]) if len(word) > 2] or ["love"]
        pick = dice.choice(words)
        text = dice.choice([pick, "+".join(words[:2]), pick[: max(2, len(pick) // 2)], "+".join(words)])
        paths.append(f"/search?q={text}" + dice.choice(["", "", "", "&licence=by", "&from=1990&to=2000"]))
    db.close()
    return paths


def _archive_with_a_long_file(folder: Path) -> tuple[Path, Path, str, str]:
    from tests import sample

    long = os.urandom(1_000_000) * (_SIZE // 1_000_000)
    short = sample.audio_bytes
    sample.audio_bytes = lambda release, number: long if (release, number) == ("road", 1) else short(release, number)
    archive, ids = sample.make_archive(folder / "archive")
    import hashlib

    digest = hashlib.sha256(long).hexdigest()
    with archive.objects() as objects:
        return objects.path(digest), archive.root, digest, ids["track:road/1"]


@contextmanager
def _uvicorn(code: str, folder: Path) -> Iterator[int]:
    port = _free_port()
    module = f"served_{port}"
    (folder / f"{module}.py").write_text(code)
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "--port", str(port), "--log-level", "warning",
               "--no-access-log", f"{module}:app"]  # fmt: skip
    with _running(command, port):
        yield port


@contextmanager
def _serve(root: Path, number: int) -> Iterator[tuple[int, int]]:
    """`phonolith serve` by so many processes: its port and process."""
    port = _free_port()
    command = [sys.executable, "-m", "phonolith.cli.main", "serve", "--archive", str(root.resolve()), "--json",
               "--port", str(port), "--workers", str(number)]  # fmt: skip
    with _running(command, port) as process:
        yield port, process.pid


def _pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) // 1024  # type: ignore[index]


@contextmanager
def _nginx(folder: Path) -> Iterator[int]:
    port = _free_port()
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, port=port))
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    with _running([str(program), "-c", str(settings)], port):
        yield port


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended before it could be asked")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _interleaved(
    rows: dict[str, tuple[int, str]], lua: object, servers: Mapping[int, int] | None = None
) -> dict[str, list[tuple[float, ...]]]:
    """Rounds of each row: requests a second, median and p99 in ms, and processor time of the server for each in ms."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in rows}
    for _ in range(_ROUNDS):
        for name, (port, what) in rows.items():
            used = _cpu((servers or {}).get(port))
            requests, *row = _wrk(port, lua(what))  # type: ignore[operator]
            used = _cpu((servers or {}).get(port)) - used
            found[name].append((*row, used * 1000 / requests))
    return found


def _cpu(pid: int | None) -> float:
    """Processor time of a process and its children, in seconds."""
    ticks = 0
    for one in family(pid) if pid else ():
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _wrk(port: int, lua: str) -> tuple[float, float, float, float]:
    """Requests in all and a second, median and 99th percentile in milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua + _DONE)
        script.flush()
        command = ["wrk", "-t1", "-c16", f"-d{_SECONDS}s", "-s", script.name, f"http://127.0.0.1:{port}/"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, duration, median, late, errors = map(int, re.search(r"RESULT (.*)", told)[1].split())  # type: ignore[index]
    if errors:
        raise SystemExit(f"{errors} answers were errors")
    return requests, requests / duration * 1e6, median / 1000, late / 1000


def _table(found: dict[str, list[tuple[float, ...]]], base: float = float("nan")) -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    width = max(28, *map(len, found))
    ratio = base == base  # nothing to be set beside is nan
    print(f"{'':{width}} {'req/s':>9}{'x nginx':>9}" if ratio else f"{'':{width}} {'req/s':>9}{'CPU ms':>9}", end="")
    print(f"{'p50 ms':>9}{'p99 ms':>9}   p99 of each round")
    for name, rounds in found.items():
        rate, median, late, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
        each = " ".join(f"{one[2]:.1f}" for one in rounds)
        print(f"{name:{width}} {rate:9,.0f}{rate / base if ratio else cpu:9.2f}{median:9.2f}{late:9.2f}   {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ranges", "search"))
    parser.add_argument("archive", type=Path, nargs="?")
    args = parser.parse_args()
    ranges() if args.what == "ranges" else search(args.archive)


if __name__ == "__main__":
    main()
