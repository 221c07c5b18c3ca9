"""The benchmark's own arithmetic, and the small server that it measures with."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bench import crowd, instructions, pictures, report
from bench.__main__ import PARTS
from bench.contenders import COMPARED, HANDWRITTEN, HOP, POSTGRAPHILE, RAW, TRIPGATE, leaves, takes_part
from bench.data import FIRST_YEAR, describe
from bench.load import Measured
from bench.measure import Plan, chosen
from bench.report import Rounds, targets
from bench.workloads import QUERIES, TEN_TRIPS, WORKLOADS

ROOT = Path(__file__).parents[2]


def measured(contender: str, number: int, *, speed: float, cpu: float) -> Measured:
    """One round of the ten trips."""
    return Measured(
        round=number,
        workload=TEN_TRIPS.name,
        contender=contender,
        requests=100,
        requests_per_second=speed,
        p50_ms=1000 / speed,
        p99_ms=2000 / speed,
        cpu_ms={"postgrest": 1.5, "postgres": 1.5, "load": 0.1, **({} if contender == RAW.name else {"gateway": cpu})},
        cores_elsewhere=0.0,
    )


RUN = [
    *(measured(RAW.name, number, speed=600, cpu=0) for number in (1, 2, 3)),
    *(measured(HOP.name, number, speed=500, cpu=0.5) for number in (1, 2, 3)),
    measured(TRIPGATE.name, 1, speed=480, cpu=0.7),
    measured(TRIPGATE.name, 2, speed=510, cpu=0.8),
    measured(TRIPGATE.name, 3, speed=300, cpu=1.2),
    *(measured(HANDWRITTEN.name, number, speed=60, cpu=12) for number in (1, 2, 3)),
]
PLAN = Plan([(TEN_TRIPS, contender) for contender in COMPARED], rounds=3, seconds=1)


@pytest.fixture
def run() -> dict[str, Any]:
    servers = {"postgres": "18.4", "postgrest": "12.0.2"}
    return report.run(RUN, [report.compared(RUN, PLAN)], PLAN, describe(FIRST_YEAR), servers)


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with documents to publish to, a run beside them."""
    for name, file in (("DOCUMENT", "performance.md"), ("README", "README.md"), ("PUBLISHED", "published.json")):
        monkeypatch.setattr(report, name, tmp_path / file)
    (tmp_path / "performance.md").write_text(f"Before.\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n")
    claims = "they take\n0.12 ms of CPU more than a hop, and another answers a sixth\nas often"
    (tmp_path / "README.md").write_text(claims)
    return tmp_path


def test_figures_are_medians_of_what_each_round_gave() -> None:
    spread = Rounds(RUN).spread(TEN_TRIPS, "requests/s to", TRIPGATE, RAW)
    assert spread is not None
    assert (spread.median, spread.least, spread.greatest) == (0.8, 0.5, 0.85)
    assert Rounds(RUN).spread(TEN_TRIPS, "requests/s to", TRIPGATE, POSTGRAPHILE) is None


def test_targets_are_judged_as_far_as_they_were_measured() -> None:
    table = "The gateway itself: 10 trips with 10 items each: Tripgate, "
    assert [str(target) for target in targets(Rounds(RUN))] == [
        f"met: {table}gateway CPU over bare aiohttp hop, at most 0.35 ms: 0.30 ms (0.20 to 0.70)",
        f"met: {table}requests/s to raw PostgREST, at least 0.8: 0.80 (0.50 to 0.85)",
        f"met: {table}requests/s to hand-written, at least 6: 8.00 (5.00 to 8.50)",
    ]


def test_the_table_has_a_row_for_each_contender() -> None:
    lines = report.compared(RUN, PLAN).text.splitlines()
    assert lines[1] == "trips_with_items: 10 trips with 10 items each"
    contenders = ["raw PostgREST", "bare aiohttp hop", "Tripgate", "hand-written"]
    assert [line.split("  ")[1] for line in lines[2:6]] == contenders
    assert lines[4].split()[1:] == ["480", "2.1", "4.2", "0.80", "1.50", "1.50", "0.10", "0.00", "0.80", "-", "+0.30"]


def test_of_the_documented_queries_the_slowest_are_shown() -> None:
    cells = [(workload, TRIPGATE) for workload in QUERIES[:12]]
    rounds = [
        replace(RUN[6], workload=workload.name, round=1, p99_ms=float(number))
        for number, (workload, _) in enumerate(cells)
    ]
    outcome = report.documented(rounds, replace(PLAN, cells=cells))
    assert len(outcome.text.splitlines()) == 2 + report.SHOWN_QUERIES
    assert outcome.targets[0].value == f"11.0 ms ({QUERIES[11].title})"


def test_publishing_replaces_what_stands_between_the_marks(run: dict[str, Any], pages: Path) -> None:
    report.write(pages / "run.json", run)
    assert report.publish(pages / "run.json") == [
        pages / name for name in ("published.json", "performance.md", "README.md")
    ]
    text = (pages / "performance.md").read_text()
    report.publish(pages / "published.json")
    assert (pages / "performance.md").read_text() == text
    assert json.loads((pages / "published.json").read_text()) == json.loads(json.dumps(run))
    assert text.startswith(f"Before.\n\n{report.BEGIN}\n\n")
    assert text.endswith(f"\n\n{report.END}\n\nAfter.\n")
    assert "old" not in text
    assert "| 10 trips with 10 items each |  |  |  |" not in text  # nothing was measured over SQL
    name = "10 trips with 10 items each: Tripgate, requests/s to raw PostgREST"
    assert f"| {name} | at least 0.8 | 0.80 (0.50 to 0.85) | met |" in text
    claims = "they take\n0.30 ms of CPU more than a hop, and another answers an eighth\nas often"
    assert (pages / "README.md").read_text() == claims


def test_a_document_without_marks_is_left_alone(run: dict[str, Any], pages: Path) -> None:
    (pages / "performance.md").write_text("No place.")
    report.write(pages / "run.json", run)
    with pytest.raises(report.PublishError, match=r"performance\.md has no lines"):
        report.publish(pages / "run.json")
    assert not (pages / "published.json").exists()


def test_what_is_no_run_is_not_published(pages: Path) -> None:
    (pages / "run.json").write_text("{}")
    with pytest.raises(report.PublishError, match=r"run\.json does not hold a run"):
        report.publish(pages / "run.json")


def test_the_published_document_has_its_marks() -> None:
    assert [report.DOCUMENT.read_text().count(mark) for mark in (report.BEGIN, report.END)] == [1, 1]


@pytest.mark.parametrize(
    ("only", "pairs"),
    [
        (["tripgate", "hop", "profile_by_id"], {("tripgate", "profile_by_id"), ("hop", "profile_by_id")}),
        (["documented"], {("tripgate", workload.name) for workload in QUERIES}),
        (["pg_graphql", "related"], set()),
    ],
)
def test_only_names_contenders_workloads_and_groups(only: list[str], pairs: set[tuple[str, str]]) -> None:
    assert {(contender.name, workload.name) for workload, contender in chosen(only, [])} == pairs


def test_only_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="pint"):
        chosen(["pint"], [])


def test_every_workload_compares_somebody_and_every_contender_is_asked_something() -> None:
    asked = {each.name: [c.name for c in COMPARED if takes_part(c, each)] for each in WORKLOADS}
    assert all(asked.values())
    assert {name for names in asked.values() for name in names} == {each.name for each in COMPARED}


def test_answers_are_alike_whatever_their_nesting() -> None:
    ours = {"trips": {"nodes": [{"id": "a", "status": "BOOKED"}], "sum": "12.50"}}
    theirs = {"trips": {"edges": [{"node": {"status": "booked", "id": "a"}}], "sum": 12.5}}
    assert leaves(ours) == leaves(theirs) == ["a", "booked", "12.5"]
    assert leaves({**theirs, "trips": {"edges": []}}) != leaves(ours)


def test_instructions_are_compared_workload_by_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [{"point": 1030, "new": 50}, {"point": 1000}]
    monkeypatch.setattr(instructions, "_counted", lambda *_: counts.pop(0))
    text, fine = instructions.compare(ROOT, [], lambda _: None)
    assert fine
    assert [line.split()[-1] for line in text.splitlines()[1:3]] == ["1.030", "-"]


@pytest.fixture
def alone() -> crowd.Crowd:
    """One subscriber, on the only trip."""
    return crowd.Crowd([("token", 0)])


def change(number: int) -> str:
    item = {"id": "a", "notes": f"{number} {crowd.MARK}"}
    payload = {"data": {"tripItemChanges": {"operation": "UPDATE", "id": "a", "tripItem": item}}}
    return json.dumps({"type": "next", "payload": payload})


def answer(*numbers: int) -> str:
    nodes = [{"notes": f"{number} {crowd.MARK}"} for number in numbers]
    return json.dumps({"type": "next", "payload": {"data": {"trip": {"items": {"nodes": nodes}}}}})


def test_changes_are_held_to_what_was_written(alone: crowd.Crowd) -> None:
    alone.subscribers[0].received += [
        (1.010, change(1)),
        (1.120, change(3)),
        (1.130, change(2)),
        (1.140, change(2)),
        (1.2, '{"closed": 1006}'),
    ]
    judged = alone.judge([[1, 2, 3, 4]], {1: 1.0, 2: 1.1, 3: 1.1, 4: 1.1}, answers=False)
    assert (judged.deliveries, judged.lost, judged.duplicated, judged.out_of_order) == (4, 1, 1, 1)
    assert (judged.wrong, judged.first_wrong) == (1, '{"closed": 1006}')
    assert round(judged.p50_ms) == 20


def test_an_answer_brings_all_changes_until_its_newest(alone: crowd.Crowd) -> None:
    alone.subscribers[0].received += [(0.9, answer(0)), (1.3, answer(1, 2, 0)), (1.5, answer(3, 2)), (1.6, answer(1))]
    judged = alone.judge([[1, 2, 3, 4]], {1: 1.0, 2: 1.1, 3: 1.2, 4: 1.3}, answers=True)
    assert (judged.deliveries, judged.lost, judged.duplicated, judged.out_of_order) == (3, 1, 0, 1)
    assert [round(judged.p50_ms), round(judged.max_ms)] == [300, 300]


@asynccontextmanager
async def started(module: str, *arguments: str) -> AsyncIterator[tuple[str, int]]:
    """The address of one of the benchmark's servers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        address = urlsplit((await process.stdout.readline()).decode().removeprefix("Serving: ").strip())
        yield str(address.hostname), int(address.port or 0)
    finally:
        process.terminate()
        await process.wait()


async def test_the_way_delays_what_is_asked_and_loses_nothing() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, started("bench.delay", *map(str, server.sockets[0].getsockname()), "30") as address:
        reader, writer = await asyncio.open_connection(*address)
        for sent in (b"first", b"x" * 1_000_000):
            began = time.perf_counter()
            writer.write(sent)
            assert await reader.readexactly(len(sent)) == sent
            assert time.perf_counter() - began >= 0.03
        writer.close()
        await writer.wait_closed()


async def test_the_plain_server_gives_back_what_it_was_given(tmp_path: Path) -> None:
    sent = bytes(range(256)) * 10_000
    async with started("bench.file_server", str(tmp_path)) as (host, port):
        with closing(pictures.Client(f"http://{host}:{port}", {})) as client:
            assert client.ask("PUT", "/a.jpg", sent)[0] == 200
            status, found = client.ask("GET", "/a.jpg")
            assert (status, found == sent, (tmp_path / "a.jpg").read_bytes() == sent) == (200, True, True)


def test_parts_are_asked_for_by_name_alone() -> None:
    # A part is no contender or workload, and none of these may hide it.
    names = {each.name for each in WORKLOADS} | {each.group for each in WORKLOADS} | {each.name for each in COMPARED}
    assert set(PARTS) == {"start", "usage", "agents", "whatsapp", "storage", "live"}
    assert not names & set(PARTS)
