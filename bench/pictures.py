"""Half a million pictures: pages of them by the Storage API and by GraphQL, and how fast their bytes pass, beside a
plain file server."""

import http.client
import itertools
import json
import shutil
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.contenders import TRIPGATE, TRIPGATE_SQL
from bench.data import BUSY, Caller
from bench.load import WrongAnswerError, percentile
from bench.report import STORAGE, Outcome, Target, aligned
from bench.site import Site
from bench.usage import subscribe
from bench.workloads import POINT

OBJECTS, EACH, TRIPS = 500_000, 10, 20
ASKED, MOST_MS = 300, 50.0
# Bytes of a file, and how often each way takes its turn.
TRANSFERS = {2_000_000: 60, 50_000_000: 7}
LEAST_SHARE = 0.8
BUCKET = "trip-images"
JPEG = {"Content-Type": "image/jpeg"}
IMAGES = f"""query ($seconds: Int!) {{
  trips(first: {TRIPS}) {{ nodes {{ id title
    images(first: {EACH}) {{ nodes {{ id size url(expiresIn: $seconds) }} }} }} }} }}"""


class Client:
    """One connection that stays open, of a client that copies little."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = headers
        self._room = bytearray(max(TRANSFERS))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, memoryview]:
        """Status and body of an answer; the body is good until the next one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, {**self._headers, **named})
        answer = self._connection.getresponse()
        size, room = 0, memoryview(self._room)
        while read := answer.readinto(room[size:]):
            size += read
        answer.read()
        return answer.status, room[:size]

    def json(self, path: str, body: Any) -> tuple[float, Any]:
        """How many milliseconds an answer took, and what it says. Raises WrongAnswerError unless it is 200."""
        sent = json.dumps(body).encode()
        began = time.perf_counter()
        status, answer = self.ask("POST", path, sent, Content_Type="application/json")
        took = (time.perf_counter() - began) * 1000
        if status != 200:
            raise WrongAnswerError(f"storage: {path}: {status} {bytes(answer[:300])!r}")
        return took, json.loads(bytes(answer))


def measure(site: Site) -> Outcome:
    """Load the rows of the pictures, ask for pages of them one at a time, then send and fetch files.

    Raises:
        WrongAnswerError: An answer is not what it should be.
    """
    site.progress(f"storage: loading {OBJECTS:,} objects")
    caller = site.callers[BUSY]
    _load(site.info.admin_db_url, caller)
    subscribe(site.info.admin_db_url, [caller.user_id])
    pages, slowest = _pages(site, caller)
    files, shares = _files(site, caller)
    title = f"pages of {OBJECTS:,} pictures, p99"
    return Outcome(
        "\n".join([*aligned(pages), "", *aligned(files)]),
        [
            Target(STORAGE, title, f"under {MOST_MS:g} ms", f"{slowest:.1f} ms", slowest < MOST_MS),
            *(
                Target(STORAGE, f"{name}, to a plain file server", f"at least {LEAST_SHARE:g}", f"{share:.2f}", met)
                for name, share in shares.items()
                for met in [share >= LEAST_SHARE]
            ),
        ],
    )


def _pages(site: Site, caller: Caller) -> tuple[list[tuple[str, ...]], float]:
    headers = {"apikey": site.info.publishable_key, "Authorization": f"Bearer {caller.token}"}
    rows = [("pages of pictures", "over", "p50 ms", "p99 ms", "requests to PostgREST", "to Storage")]
    storage = Client(site.info.api_url, headers)
    folders = itertools.cycle(caller.trip_ids)
    path = f"/storage/v1/object/list-v2/{BUCKET}"

    def listed() -> float:
        took, page = storage.json(path, {"prefix": f"{next(folders)}/", "limit": 100, "with_delimiter": True})
        if len(page["objects"]) != EACH:
            raise WrongAnswerError(f"storage: list: {str(page)[:300]}")
        return took

    site.progress("storage: pages")
    times = {"list v2, one trip": _times(listed)}
    rows.append(_row("list v2, one trip", "the Storage API", times["list v2, one trip"], "-", "-"))
    for contender in (TRIPGATE, TRIPGATE_SQL):
        _, url = site.server(contender, replace(POINT, settings={}), "storage")
        gateway = Client(url, {"Authorization": headers["Authorization"]})
        # Each of another duration, so that no address is known from before.
        durations = itertools.count(3600)

        def asked(gateway: Client = gateway, durations: "itertools.count[int]" = durations) -> float:
            body = {"query": IMAGES, "variables": {"seconds": next(durations)}}
            took, answer = gateway.json("/graphql", body)
            urls = [each["url"] for trip in answer["data"]["trips"]["nodes"] for each in trip["images"]["nodes"]]
            if "errors" in answer or len(set(urls)) != TRIPS * EACH or None in urls:
                raise WrongAnswerError(f"storage: images: {str(answer)[:300]}")
            return took

        name = f"{TRIPS} trips with {EACH} pictures, {contender.title}"
        asked()
        before = _upstream(url)
        asked()
        after = _upstream(url)
        counts = [f"{after.get(each, 0) - before.get(each, 0):g}" for each in ("rest", "storage")]
        times[name] = _times(asked)
        rows.append(_row(f"{TRIPS} trips with {EACH} pictures", contender.title, times[name], *counts))
    return rows, max(percentile(each, 0.99) for each in times.values())


def _row(name: str, over: str, times: list[float], *counts: str) -> tuple[str, ...]:
    return (name, over, f"{percentile(times, 0.5):.1f}", f"{percentile(times, 0.99):.1f}", *counts)


def _times(once: Callable[[], float]) -> list[float]:
    # The first ones make connections and read pages.
    return sorted([once() for _ in range(ASKED + 20)][20:])


def _upstream(url: str) -> dict[str, float]:
    """How many requests a gateway has made of each service behind it."""
    parts = urlsplit(url)
    with urllib.request.urlopen(f"{parts.scheme}://{parts.netloc}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    found: dict[str, float] = {}
    for line in lines:
        if line.startswith("tripgate_upstream_requests_total{"):
            name = line.partition('upstream="')[2].partition('"')[0]
            found[name] = found.get(name, 0) + float(line.rpartition(" ")[2])
    return found


def _files(site: Site, caller: Caller) -> tuple[list[tuple[str, ...]], dict[str, float]]:
    """A table of MB/s, and of each kind of transfer the share of the plain server's speed."""
    rows = [("files, one at a time", "plain MB/s", "Storage MB/s", "share")]
    shares = {}
    folder = Path(tempfile.mkdtemp(prefix="tripgate-bench-files-"))
    try:
        plain = Client(site.run("bench_files", [sys.executable, "-m", "bench.file_server", str(folder)], {}), {})
        storage = Client(
            site.info.api_url,
            {"apikey": site.info.publishable_key, "Authorization": f"Bearer {caller.token}", **JPEG},
        )
        for size, times in TRANSFERS.items():
            site.progress(f"storage: files of {size // 1_000_000} MB")
            up, down = _transfers(plain, storage, folder, caller, size, times)
            for name, (one, other) in (("upload", up), ("download", down)):
                title = f"{name} of {size // 1_000_000} MB"
                shares[title] = one / other
                rows.append((title, f"{size / one / 1e6:.0f}", f"{size / other / 1e6:.0f}", f"{one / other:.2f}"))
    finally:
        shutil.rmtree(folder)
    return rows, shares


def _transfers(
    plain: Client, storage: Client, folder: Path, caller: Caller, size: int, times: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Median seconds of an upload, and of a download, each of the plain server and of Storage."""
    body = uuid.uuid4().bytes * (size // 16)
    up: tuple[list[float], list[float]] = ([], [])
    down: tuple[list[float], list[float]] = ([], [])

    def timed(kept: list[float], ask: Callable[[], tuple[int, memoryview]], *, bytes_come: bool) -> None:
        began = time.perf_counter()
        status, answer = ask()
        kept.append(time.perf_counter() - began)
        if status != 200 or (bytes_come and answer != body):
            raise WrongAnswerError(f"storage: {status}, {len(answer)} bytes: {bytes(answer[:300])!r}")

    for number in range(times + 3):
        if number == 3:
            # What is asked for the first time is not what it is like.
            for kept in (*up, *down):
                kept.clear()
        name = f"{uuid.uuid4()}.jpg"
        path = f"{BUCKET}/{caller.trip_ids[0]}/{name}"
        timed(up[0], lambda at=f"/{name}": plain.ask("PUT", at, body), bytes_come=False)
        timed(up[1], lambda at=f"/storage/v1/object/{path}": storage.ask("POST", at, body), bytes_come=False)
        timed(down[0], lambda at=f"/{name}": plain.ask("GET", at), bytes_come=True)
        timed(down[1], lambda at=f"/storage/v1/object/authenticated/{path}": storage.ask("GET", at), bytes_come=True)
        (folder / name).unlink()
        storage.ask("DELETE", f"/storage/v1/object/{path}")
    return (median(up[0]), median(up[1])), (median(down[0]), median(down[1]))


def _load(url: str, caller: Caller) -> None:
    """Rows without bytes: ten for each trip of the caller, all others spread over everybody's."""
    given = {"me": caller.user_id, "each": EACH, "objects": OBJECTS, "own": len(caller.trip_ids) * EACH}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(_OBJECTS, given)
        connection.execute("vacuum (analyze) storage.objects")


_OBJECTS = f"""
insert into storage.objects (bucket_id, name, owner, owner_id, version, metadata)
select
    '{BUCKET}', trip || '/' || gen_random_uuid() || '.jpg', person, person, gen_random_uuid(),
    '{{"size": 2000000, "mimetype": "image/jpeg", "cacheControl": "no-cache"}}'
from (
    select id as trip, user_id as person from public.trips, generate_series(1, %(each)s::int) where user_id = %(me)s
    union all
    select trips.ids[1 + n %% cardinality(trips.ids)], trips.people[1 + n %% cardinality(trips.ids)]
    from
        (select array_agg(id order by id) as ids, array_agg(user_id order by id) as people
         from public.trips where user_id <> %(me)s) as trips,
        generate_series(1, %(objects)s::int - %(own)s::int) as n
) as pictures
"""
