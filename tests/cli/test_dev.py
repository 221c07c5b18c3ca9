"""`tripgate dev` as a newcomer meets it: a real process, its output, its end."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parent.parent.parent
READY = re.compile(r"^Tripgate ready: (http://127\.0\.0\.1:\d+/graphql)$")


class Dev:
    """A running `tripgate dev`."""

    def __init__(self, data_dir: Path, *options: str, stdin: int | None = None) -> None:
        self.data_dir = data_dir
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        self.progress = (data_dir.parent / "progress").open("w+")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tripgate",
                "dev",
                "--port",
                "0",
                "--api-port",
                "0",
                "--data-dir",
                str(data_dir),
                *options,
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=self.progress,
            text=True,
        )

    def ready(self) -> list[str]:
        """Everything printed, from the ready line to the last."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                break
        assert lines, Path(self.progress.name).read_text()
        return lines

    def family(self) -> list[psutil.Process]:
        """Every process that this one started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.progress.close()
        if self.process.stdout is not None:
            self.process.stdout.close()


def ask(url: str, query: str) -> object:
    request = urllib.request.Request(url, json.dumps({"query": query}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def explained(url: str) -> list[str]:
    """What a request of a demo account's is told to have sent: what the sentences of its explanation are called."""
    demo = 'email: "ada@tripgate.example", password: "tripgate-demo"'
    signed_in: Any = ask(url, f"mutation {{ signIn(input: {{ {demo} }}) {{ session {{ accessToken }} }} }}")
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {signed_in['data']['signIn']['session']['accessToken']}",
    }
    body = {"query": "{ trips(first: 1) { nodes { title } } }", "extensions": {"explain": True}}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    assert len(answer["data"]["trips"]["nodes"]) == 1
    (sent,) = answer["extensions"]["explain"]["fields"]["trips"]["requests"]
    return [name for name in sent if name in {"path", "sql"}]


def sign_up(url: str) -> str | None:
    """The code of the error, if there is one, when the same person signs up as ever."""
    kept = '{ email: "kept@example.com", password: "correct horse", displayName: "K" }'
    answer = ask(url, f"mutation {{ signUp(input: {kept}) {{ user {{ email }} }} }}")
    assert isinstance(answer, dict)
    (error,) = answer.get("errors", [{}])
    return error.get("extensions", {}).get("code")


def serving_storage(dev: Dev) -> int:
    """How many processes serve Storage, below the one that looks after each."""
    commands = [" ".join(process.cmdline()) for process in dev.family()]
    return sum("-m tripgate.local.storage --config" in command for command in commands)


def storage(dev: Dev) -> list[object]:
    """How many processes served Storage, what it answered when it was first asked, and how many did then."""
    before = serving_storage(dev)
    (config,) = (dev.data_dir / "config").glob("front*door.json")
    with urllib.request.urlopen(f"{json.loads(config.read_text())['api_url']}/storage/v1/status", timeout=90) as answer:
        return [before, json.load(answer), serving_storage(dev)]


@dataclass(frozen=True)
class Run:
    """What was seen of one `tripgate dev`, from its start to its end.

    Attributes:
        lines: What it printed when it was ready.
        answers: What it answered to what was asked, by what that was.
        printed: What it printed from then on, up to its end.
        status: Its exit status.
        names: The names of the processes that it had started.
        survivors: Those of them that ran on.
    """

    lines: list[str]
    answers: dict[str, object]
    printed: str
    status: int
    names: list[str]
    survivors: list[psutil.Process]


def run(data_dir: Path, *options: str, end: signal.Signals, use: Callable[[Dev, str], dict[str, object]]) -> Run:
    """Start it, use its address, and end it by a signal."""
    dev = Dev(data_dir, *options)
    try:
        lines = dev.ready()
        answers = use(dev, lines[0].removeprefix("Tripgate ready: "))
        family = dev.family()
        names = [process.name() for process in family]
        dev.process.send_signal(end)
        status = dev.process.wait(40)
        survivors = psutil.wait_procs(family, timeout=30)[1]
        assert dev.process.stdout is not None
        # Whatever runs on holds the pipe open.
        printed = "" if survivors else dev.process.stdout.read()
        return Run(lines, answers, printed, status, names, survivors)
    finally:
        dev.kill()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all three runs keep their data."""
    return tmp_path_factory.mktemp("dev") / "data"


@pytest.fixture(scope="module")
def first(data_dir: Path) -> Run:
    """The very first start, ended by Ctrl-C."""

    def use(dev: Dev, url: str) -> dict[str, object]:
        browser = urllib.request.Request(url.removesuffix("graphql"), headers={"Accept": "text/html"})
        with urllib.request.urlopen(browser, timeout=30) as page:
            sections = re.findall(r"<h2[^>]*>([^<]*)", page.read().decode())
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "text/html"}), timeout=30) as page:
            found: dict[str, object] = {"the start page": sections, "GraphiQL": page.status}
        found["the schema"] = ask(url, "{ __schema { queryType { name } } }")
        for query in ("query Named { __typename }", "{ trips { totalCount } }", "{ nothing }"):
            ask(url, query)
        demo = 'email: "cleo@tripgate.example", password: "tripgate-demo"'
        found["a demo account"] = ask(url, f"mutation {{ signIn(input: {{ {demo} }}) {{ user {{ email }} }} }}")
        found["signing up"] = sign_up(url)
        assert dev.process.stdout is not None
        # A line for each of the six requests.
        found["lines"] = [dev.process.stdout.readline().rstrip() for _ in range(6)]
        return found

    return run(data_dir, end=signal.SIGINT, use=use)


@pytest.fixture(scope="module")
def second(data_dir: Path, first: Run) -> Run:
    """The next start, a quiet one, ended by SIGTERM."""
    assert first.status == 0

    def use(dev: Dev, url: str) -> dict[str, object]:
        found: dict[str, object] = {"signing up": sign_up(url), "Storage": storage(dev)}
        time.sleep(0.5)
        return found

    return run(data_dir, "--quiet", end=signal.SIGTERM, use=use)


@pytest.fixture(scope="module")
def third(data_dir: Path, second: Run) -> Run:
    """A fresh start that reads straight from Postgres, which is killed."""
    assert second.status == 0

    def use(dev: Dev, url: str) -> dict[str, object]:
        return {"signing up": sign_up(url), "reads": explained(url), "Storage": storage(dev)}

    return run(data_dir, "--fresh", "--direct", end=signal.SIGKILL, use=use)


def test_it_says_where_everything_is(first: Run, data_dir: Path) -> None:
    assert READY.match(first.lines[0]), first.lines
    names = [line.split(":")[0].strip() for line in first.lines[1:-1]]
    assert names == [
        "Start page",
        "Board",
        "Supabase API",
        "Publishable key",
        "Secret key",
        "PostgREST",
        "Database",
        "Inbox",
        "Services outside",
        "Phones",
        "Logs",
        "Demo accounts",
    ]
    logs = next(line for line in first.lines if line.strip().startswith("Logs:")).partition(":")[2].strip()
    # The scheduler begins beside the rest, for the program's jobs, and may have a log by then.
    assert logs.replace(", scheduler.log", "") == (
        f"front_door.log, gateway.log, postgres.log, postgrest.log, realtime.log in {data_dir}/logs"
    )


def test_and_answers_there(first: Run) -> None:
    assert {what: answer for what, answer in first.answers.items() if what != "lines"} == {
        "the start page": [
            "Open",
            "Demo accounts",
            "Documents",
            "What runs where",
            "Health and metrics",
            "Settings",
        ],
        "GraphiQL": 200,
        "the schema": {"data": {"__schema": {"queryType": {"name": "Query"}}}},
        "a demo account": {"data": {"signIn": {"user": {"email": "cleo@tripgate.example"}}}},
        "signing up": None,
    }


REQUEST = re.compile(r"\d\d:\d\d:\d\d  (\S+) +(\S*) +(\d+) +[\d.]+ ms(?:  (.*))?")


def test_each_request_is_a_line(first: Run) -> None:
    lines = first.answers["lines"]
    assert isinstance(lines, list)
    found = [REQUEST.fullmatch(line) for line in lines]
    assert [each.groups() if each else None for each in found] == [
        ("query", "", "200", None),
        ("query", "Named", "200", None),
        ("query", "", "200", "UNAUTHENTICATED"),
        ("request", "", "200", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation", "", "200", None),
        ("mutation", "", "200", None),
    ]


def test_and_none_where_it_is_to_be_quiet(second: Run) -> None:
    assert second.printed == ""


def test_nothing_outlives_it(first: Run, second: Run, third: Run) -> None:
    assert {"postgres", "postgrest"} <= set(first.names)
    assert all(len(each.names) >= 4 for each in (first, second, third))
    assert [each.status for each in (first, second, third)] == [0, 0, -signal.SIGKILL]
    assert [each.survivors for each in (first, second, third)] == [[], [], []]


def test_storage_is_there_once_it_is_asked_for_and_ends_with_the_rest(second: Run, third: Run) -> None:
    for each in (second, third):
        assert each.answers["Storage"] == [0, {"healthy": True}, 1]
        assert each.survivors == []


def test_it_reads_straight_from_postgres_where_it_is_to(third: Run) -> None:
    assert third.answers["reads"] == ["sql"]


def test_the_data_is_kept_until_a_fresh_start(first: Run, second: Run, third: Run) -> None:
    assert [each.answers["signing up"] for each in (first, second, third)] == [None, "CONFLICT", None]
