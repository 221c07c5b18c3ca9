"""`tripgate dev` as a newcomer meets it: a real process, its output, its end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path / "data")
    yield running
    running.kill()


def ask(url: str, query: str) -> object:
    request = urllib.request.Request(url, json.dumps({"query": query}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=30)[1]


def test_it_says_where_everything_is_and_answers_there(dev: Dev) -> None:
    lines = dev.ready()
    found = READY.match(lines[0])
    assert found, lines
    names = [line.split(":")[0].strip() for line in lines[1:-1]]
    assert names == [
        "Supabase API",
        "Publishable key",
        "Secret key",
        "PostgREST",
        "Database",
        "Inbox",
        "Logs",
        "Demo accounts",
    ]
    logs = next(line for line in lines if line.strip().startswith("Logs:")).partition(":")[2].strip()
    assert logs == f"front_door.log, gateway.log, postgres.log, postgrest.log, realtime.log in {dev.data_dir}/logs"
    assert ask(found[1], "{ __schema { queryType { name } } }") == {
        "data": {"__schema": {"queryType": {"name": "Query"}}}
    }
    browser = urllib.request.Request(found[1].removesuffix("graphql"), headers={"Accept": "text/html"})
    with urllib.request.urlopen(browser, timeout=30) as page:
        assert (page.url, page.status) == (found[1], 200)
    sign_in = (
        'mutation { signIn(input: { email: "cleo@tripgate.example", password: "tripgate-demo" }) { user { email } } }'
    )
    assert ask(found[1], sign_in) == {"data": {"signIn": {"user": {"email": "cleo@tripgate.example"}}}}

    family = dev.family()
    assert {"postgres", "postgrest"} <= {process.name() for process in family}
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(40) == 0
    assert wait_until_gone(family) == []


REQUEST = re.compile(r"\d\d:\d\d:\d\d  (\S+) +(\S*) +(\d+) +[\d.]+ ms(?:  (.*))?")


def test_each_request_is_a_line(dev: Dev) -> None:
    url = dev.ready()[0].removeprefix("Tripgate ready: ")
    ask(url, "query Named { __typename }")
    ask(url, "{ trips { totalCount } }")
    ask(url, "{ nothing }")
    assert dev.process.stdout is not None
    found = [REQUEST.fullmatch(dev.process.stdout.readline().rstrip()) for _ in range(3)]
    assert [each.groups() if each else None for each in found] == [
        ("query", "Named", "200", None),
        ("query", "", "200", "UNAUTHENTICATED"),
        ("request", "", "200", "GRAPHQL_VALIDATION_FAILED"),
    ]


def test_and_none_where_it_is_to_be_quiet(tmp_path: Path) -> None:
    dev = Dev(tmp_path / "data", "--quiet")
    try:
        ask(dev.ready()[0].removeprefix("Tripgate ready: "), "{ __typename }")
        time.sleep(0.5)
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.stdout is not None
        assert dev.process.stdout.read() == ""
    finally:
        dev.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_it(dev: Dev, number: signal.Signals) -> None:
    dev.ready()
    family = dev.family()
    assert len(family) >= 4
    os.kill(dev.process.pid, number)
    dev.process.wait(40)
    assert wait_until_gone(family) == []


def test_the_data_is_kept_until_a_fresh_start(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    kept = '{ email: "kept@example.com", password: "correct horse", displayName: "K" }'
    sign_up = f"mutation {{ signUp(input: {kept}) {{ user {{ email }} }} }}"
    for options, expected in ([], None), ([], "CONFLICT"), (["--fresh"], None):
        dev = Dev(data_dir, *options)
        try:
            url = dev.ready()[0].removeprefix("Tripgate ready: ")
            answer = ask(url, sign_up)
            assert isinstance(answer, dict)
            errors = answer.get("errors", [{}])
            assert errors[0].get("extensions", {}).get("code") == expected
            dev.process.terminate()
            assert dev.process.wait(40) == 0
        finally:
            dev.kill()
