"""Fetching 10,000 documents of 2 KB from nginx on loopback, politeness off: ours beside bare aiohttp and Scrapy.

The client alone, and a whole harvest: one list names every document, and each is a durable record before it counts as
answered. The others keep nothing.

    python -m bench.client [--documents N] [--rounds N] [--scrapy PYTHON]

Each row is a process of its own, rounds interleaved, medians; what is counted is the processor time of the client alone
between its first request and its last answer, a document. Bare aiohttp is a session, `get`, `read`, with as many
requests in flight. Scrapy runs where PYTHON (another environment's) can import it, with robots, retries, cookies and
its own throttling off. Our rows run on the event loop that harvests run on, one of them on Python's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SIZE = 2000
_FLYING = 16
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{ access_log off; keepalive_requests 1000000; types {{}} default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}/documents; }} }}
"""
_SCRAPY = """
import json, sys, time
import scrapy
from scrapy.crawler import CrawlerProcess
base, count, flying = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
class Documents(scrapy.Spider):
    name = "documents"
    custom_settings = dict(ROBOTSTXT_OBEY=False, CONCURRENT_REQUESTS=flying, CONCURRENT_REQUESTS_PER_DOMAIN=flying,
        DOWNLOAD_DELAY=0, RETRY_ENABLED=False, COOKIES_ENABLED=False, LOG_ENABLED=False, TELNETCONSOLE_ENABLED=False)
    start_urls = [f"{base}/{n}" for n in range(count)]
    got = 0
    def parse(self, response):
        Documents.got += len(response.body)
process = CrawlerProcess()
process.crawl(Documents)
cpu, wall = time.process_time(), time.perf_counter()
process.start()
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, Documents.got]))
"""


async def ours(base: str, count: int) -> int:
    """Our client, with nothing to wait for."""
    from phonolith.sources.client.answers import Manners
    from phonolith.sources.client.client import Client

    manners = Manners(rate=float("inf"), parallel=_FLYING, robots=False)
    async with Client("bench@example.org", trusted=[base]) as client:

        async def one(url: str) -> int:
            return len((await client.get(url, manners=manners)).body)

        return await _all(base, count, one)


async def durable(base: str, count: int) -> int:
    """A whole harvest into an archive of its own."""
    from phonolith.harvest.gather import Pace, gather
    from phonolith.harvest.report import HarvestReport
    from phonolith.model.frontier import Step, Task
    from phonolith.model.progress import Silent
    from phonolith.model.record import Record
    from phonolith.sources.client.answers import Manners
    from phonolith.sources.client.client import Client
    from phonolith.store.archive import Archive

    manners, now, got = Manners(rate=float("inf"), parallel=_FLYING, robots=False), "2026-01-01T00:00:00Z", 0
    with tempfile.TemporaryDirectory(prefix="bench-harvest-") as name:
        archive = Archive.create(Path(name) / "a", name="bench", contact="bench@example.org", now=now)
        with archive.records() as store:
            frontier = store.frontier("bench.documents")
            frontier.begin("{}", now, [Task("page:", f"{base}/", page=True)])
            async with Client("bench@example.org", trusted=[base]) as client:

                async def ask(task: Task) -> AsyncGenerator[Step, None]:
                    nonlocal got
                    if task.page:
                        found = tuple(Task(f"item:{number}", f"{base}/{number}") for number in range(count))
                        yield Step(found=found, listed=count, total=count)
                        return
                    item = task.key.removeprefix("item:")
                    store.head("bench.documents", item)  # by which a document that is held would be recognised
                    answer = await client.get(task.address, manners=manners)
                    got += len(answer.body)
                    yield Step(records=(Record("bench.documents", item, task.address, now, answer.body),))

                pace, report = Pace(_FLYING, _FLYING, behind=64), HarvestReport("bench.documents")
                await gather(frontier, ask, report, pace, progress=Silent(), clock=lambda: now)
            assert store.count("bench.documents") == count
    return got


async def bare(base: str, count: int) -> int:
    """aiohttp as its documentation begins."""
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def one(url: str) -> int:
            async with session.get(url) as response:
                return len(await response.read())

        return await _all(base, count, one)


async def _all(base: str, count: int, one: Callable[[str], Awaitable[int]]) -> int:
    numbers = iter(range(count))

    async def worker() -> int:
        return sum([await one(f"{base}/{number}") for number in numbers])

    return sum(await asyncio.gather(*(worker() for _ in range(_FLYING))))


def child(name: str, loop: str, base: str, count: int) -> None:
    """One row in this process: prints processor seconds, seconds and bytes."""
    from phonolith.harvest import event_loop

    factory = event_loop.factory() if loop == "harvest" else None
    work = {"ours": ours, "durable": durable, "bare": bare}[name]
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work(base, 200))  # imports, connections, caches
        cpu, wall = time.process_time(), time.perf_counter()
        got = runner.run(work(base, count))
    print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, got]))


@contextmanager
def nginx(count: int, size: int = _SIZE) -> Iterator[str]:
    """An nginx with ``count`` documents of ``size`` bytes; its address."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        raise SystemExit("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="bench-client-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "documents").mkdir()
        for number in range(count):
            (folder / "documents" / str(number)).write_text(os.urandom(size // 2).hex())
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
        with subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", name]) as server:
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("nginx did not start")


def rows(scrapy: str, base: str, count: int, script: Path) -> dict[str, list[str]]:
    """The commands, by name."""
    own = [sys.executable, "-m", "bench.client", "child"]
    found = {"aiohttp, bare": [*own, "bare", "asyncio", base, str(count)]}
    found["phonolith, the client"] = [*own, "ours", "harvest", base, str(count)]
    found["phonolith, harvest"] = [*own, "durable", "harvest", base, str(count)]
    found["the same, asyncio"] = [*own, "durable", "asyncio", base, str(count)]
    if scrapy and subprocess.run([scrapy, "-c", "import scrapy"], capture_output=True).returncode == 0:
        script.write_text(_SCRAPY)
        found["scrapy"] = [scrapy, str(script), base, str(count), str(_FLYING)]
    return found


def main() -> None:
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scrapy", default=os.environ.get("SCRAPY_PYTHON", ""), help="a Python that has Scrapy")
    options = parser.parse_args()
    spent: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch, nginx(options.documents) as base:
        commands = rows(options.scrapy, base, options.documents, Path(scratch) / "spider.py")
        for _ in range(options.rounds):
            for name, words in commands.items():
                done = subprocess.run(words, capture_output=True, text=True, check=True)
                cpu, wall, got = json.loads(done.stdout)
                if got != options.documents * _SIZE:
                    raise SystemExit(f"{name} got {got} bytes of {options.documents * _SIZE}")
                spent.setdefault(name, []).append((cpu, wall))
    _print(spent, options.documents)


def _print(spent: dict[str, list[tuple[float, float]]], count: int) -> None:
    first = spent["aiohttp, bare"]
    print(f"{'':24}{'us of CPU a document':>24}{'documents/s':>14}{'x bare, paired':>18}")
    for name, rounds in spent.items():
        cpu = statistics.median(one[0] for one in rounds) / count * 1e6
        wall = statistics.median(count / one[1] for one in rounds)
        ratio = statistics.median(one[0] / other[0] for one, other in zip(rounds, first, strict=True))
        print(f"{name:24}{cpu:>24,.0f}{wall:>14,.0f}{ratio:>18.2f}")


if __name__ == "__main__":
    main()
