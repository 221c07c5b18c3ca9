"""The benchmark's own arithmetic, and the small servers that it measures with."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench import instructions, publish, report
from bench.contenders import COMPARED, CONTENDERS, HANDWRITTEN, HOP, POSTGRAPHILE, RAW, TRIPGATE, leaves, takes_part
from bench.data import FIRST_YEAR, describe
from bench.measure import Measured, Plan, chosen
from bench.report import Rounds, faster, targets
from bench.workloads import TEN_TRIPS, WORKLOADS

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
        max_ms=9,
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
PLAN = Plan([(TEN_TRIPS, contender) for contender in COMPARED], rounds=3, seconds=1, connections=8)


@pytest.fixture
def run() -> dict[str, object]:
    servers = {"postgres": "18.4", "postgrest": "12.0.2"}
    return report.run(RUN, report.outcomes(RUN, PLAN), PLAN, describe(FIRST_YEAR), servers)


def test_figures_are_medians_of_what_each_round_gave() -> None:
    spread = Rounds(RUN).spread(TEN_TRIPS, faster, TRIPGATE, RAW)
    assert spread is not None
    assert (spread.median, spread.least, spread.greatest) == (0.8, 0.5, 0.85)
    assert Rounds(RUN).spread(TEN_TRIPS, faster, TRIPGATE, POSTGRAPHILE) is None


def test_targets_are_judged_as_far_as_they_were_measured() -> None:
    assert [str(target) for _, target in targets(Rounds(RUN))] == [
        "met: 10 trips with 10 items each: gateway CPU over the hop, at most 0.35 ms: 0.30 ms (0.20 to 0.70)",
        "met: 10 trips with 10 items each: throughput to raw PostgREST, at least 0.8: 0.80 (0.50 to 0.85)",
        "met: 10 trips with 10 items each: throughput to hand-written, at least 6: 8.00 (5.00 to 8.50)",
    ]


def test_the_table_has_a_row_for_each_contender() -> None:
    lines = report.outcomes(RUN, PLAN)[0].text.splitlines()
    assert lines[1] == "trips_with_items: 10 trips with 10 items each"
    assert [line.split("  ")[1] for line in lines[2:6]] == [
        "raw PostgREST",
        "bare aiohttp hop",
        "Tripgate",
        "hand-written",
    ]
    assert lines[4].split()[1:] == ["480.0", "2.1", "4.2", "0.80", "1.50", "1.50", "0.10", "0.00", "0.80", "-", "+0.30"]


def test_publishing_replaces_what_stands_between_the_marks(
    run: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "docs" / "page.md"
    document.parent.mkdir()
    document.write_text(f"Before.\n\n{publish.BEGIN}\nold\n{publish.END}\n\nAfter.\n")
    monkeypatch.setattr(publish, "DOCUMENTS", (document,))
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path / "results" / "published.json")
    file = report.write(tmp_path / "results", run)
    publish.publish(file)
    text = document.read_text()
    publish.publish(tmp_path / "results" / "published.json")
    assert document.read_text() == text
    assert text.startswith(f"Before.\n\n{publish.BEGIN}\n\n")
    assert text.endswith(f"\n\n{publish.END}\n\nAfter.\n")
    assert "old" not in text
    assert "- **met**: 10 trips with 10 items each: throughput to raw PostgREST, at least 0.8: 0.80" in text
    assert "![throughput](../results/published-throughput.svg)" in text


def test_a_document_without_marks_is_left_alone(
    run: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "page.md"
    document.write_text("No place.")
    monkeypatch.setattr(publish, "DOCUMENTS", (document,))
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path / "published.json")
    with pytest.raises(publish.PublishError, match=r"page\.md has no lines"):
        publish.publish(report.write(tmp_path / "results", run))
    assert not (tmp_path / "published.json").exists()


def test_the_published_documents_have_their_marks() -> None:
    for document in publish.DOCUMENTS:
        assert document.read_text().count(publish.BEGIN) == document.read_text().count(publish.END) == 1


def test_plots_run_nothing_and_are_the_same_each_time(run: dict[str, object], tmp_path: Path) -> None:
    drawn = publish.draw(run, tmp_path, "once")
    assert [file.name for file in drawn] == ["once-throughput.svg", "once-cpu-trips-with-items.svg"]
    again = publish.draw(run, tmp_path, "again")
    assert [file.read_bytes() for file in drawn] == [file.read_bytes() for file in again]
    for file in drawn:
        text = file.read_text()
        assert text.startswith("<?xml")
        assert "<script" not in text
        assert "Tripgate" in text


@pytest.mark.parametrize(
    ("only", "pairs"),
    [
        (["tripgate/point"], {("tripgate", "point")}),
        (["tripgate", "hop", "point"], {("tripgate", "point"), ("hop", "point")}),
        (["tables"], {(name, workload) for name in ("tripgate", "tripgate_wide") for workload in ("kept", "new")}),
    ],
)
def test_only_names_contenders_workloads_groups_or_pairs(only: list[str], pairs: set[tuple[str, str]]) -> None:
    assert {(contender.name, workload.name) for workload, contender in chosen(only, [])} == pairs


def test_only_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="pint"):
        chosen(["pint"], [])


def test_every_workload_compares_somebody_and_every_contender_is_asked_something() -> None:
    asked = {each.name: [c.name for c in CONTENDERS if takes_part(c, each)] for each in WORKLOADS}
    assert all(asked.values())
    assert {name for names in asked.values() for name in names} == {each.name for each in CONTENDERS}


def test_answers_are_alike_whatever_their_nesting() -> None:
    ours = {"trips": {"nodes": [{"id": "a", "status": "BOOKED"}], "sum": "12.50"}}
    theirs = {"trips": {"edges": [{"node": {"status": "booked", "id": "a"}}], "sum": 12.5}}
    assert leaves(ours) == leaves(theirs) == ["a", "booked", "12.5"]
    assert leaves({**theirs, "trips": {"edges": []}}) != leaves(ours)


def test_instructions_are_compared_workload_by_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[dict[str, int | str]] = [{"point": 1030, "new": 50}, {"point": 1000, "new": "KeyError: gone"}]
    monkeypatch.setattr(instructions, "_counted", lambda *_: counts.pop(0))
    text, fine = instructions.compare(ROOT, [], lambda _: None)
    assert fine
    assert [line.split()[-1] for line in text.splitlines()[1:3]] == ["1.030", "-"]


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
    async with server, started("bench.relay", "delay", *map(str, server.sockets[0].getsockname()), "30") as address:
        reader, writer = await asyncio.open_connection(*address)
        for sent in (b"first", b"x" * 1_000_000):
            began = time.perf_counter()
            writer.write(sent)
            assert await reader.readexactly(len(sent)) == sent
            assert time.perf_counter() - began >= 0.03
        writer.close()
        await writer.wait_closed()


async def test_the_replaying_server_answers_every_request_alike(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.json"
    recorded.write_text('[{"id":1}]')
    async with started("bench.relay", "replay", str(recorded)) as address:
        reader, writer = await asyncio.open_connection(*address)
        # Two at once, the second in two parts.
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"Host: x\r\n\r\n")
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Content-Length: 10\r\n" in head
            assert await reader.readexactly(10) == b'[{"id":1}]'
        writer.close()
        await writer.wait_closed()
