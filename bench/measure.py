"""The comparison: every contender with every workload, in turn, for several rounds; each answer is checked."""

import http.client
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.contenders import (
    CONTENDERS,
    OURS,
    PATH,
    RAW,
    TRIPGATE,
    UPSTREAM,
    Contender,
    Request,
    graphql,
    leaves,
    objects,
    takes_part,
)
from bench.data import Caller
from bench.load import Exchange, Load, Reading, WrongAnswerError
from bench.site import Site
from bench.workloads import CURSORS, NEW_DOCUMENTS, WORKERS, WORKLOADS, Workload

WARM_UP_SECONDS = 0.6


@dataclass(frozen=True)
class Plan:
    """What is measured with what load. `seconds` is one round of one contender with one workload."""

    cells: Sequence[tuple[Workload, Contender]]
    rounds: int
    seconds: float
    connections: int

    @property
    def workloads(self) -> list[Workload]:
        """Those of the cells, each once."""
        return list({workload.name: workload for workload, _ in self.cells}.values())

    def turns(self, number: int) -> Iterator[tuple[Workload, Contender]]:
        """The cells in the order of one round; each round begins with another contender."""
        for workload in self.workloads:
            if number == 0 or number % workload.every == 0 or self.rounds < workload.every:
                mine = [contender for each, contender in self.cells if each is workload]
                turn = number % len(mine)
                yield from ((workload, contender) for contender in (*mine[turn:], *mine[:turn]))


@dataclass(frozen=True, kw_only=True)
class Measured(Reading):
    """One contender with one workload in one round.

    Its `cpu_ms` has `gateway` (absent for raw PostgREST), `postgrest`, `postgres` and `load` (the generator).
    """

    round: int
    workload: str
    contender: str


@dataclass(frozen=True)
class Case:
    """One set of variables of a workload, with what is known of it before anything is measured.

    Attributes:
        heard: What Tripgate asks PostgREST for it, and what that answers.
        answer: Tripgate's answer, decoded.
    """

    workload: Workload
    caller: Caller
    variables: Mapping[str, Any]
    heard: Sequence[tuple[Request, bytes]]
    answer: Any


def asked(contender: Contender, url: str, workload: Workload, caller: Caller) -> list[Request]:
    """What a GraphQL contender is asked, one request for each set of variables."""
    document = workload.documents[contender.asked]
    more = {}
    if "$after" in document:
        request = graphql(contender, caller.token, CURSORS[contender.asked], {"skipped": workload.after - 1})
        _, body = request.send(url)
        more["after"] = json.loads(body)["data"]["trips"]["edges"][0]["cursor"]
    return [
        graphql(contender, caller.token, document, {**variables, **more}) for variables in workload.variants(caller)
    ]


def capture(site: Site, workloads: Sequence[Workload]) -> dict[str, list[Case]]:
    """The cases of each workload by its name, heard from Tripgates of their own behind a recording relay.

    Raises:
        WrongAnswerError: An answer has errors or the wrong number of objects.
    """
    found: dict[str, list[Case]] = {}
    heard: list[tuple[Request, bytes]] = []
    with _recorder(site.info.rest_url, heard) as rest_url:
        recorded = Contender(**{**vars(TRIPGATE), "env": {**TRIPGATE.env, "TRIPGATE_REST_URL": rest_url}})
        for workload in workloads:
            caller = site.callers[workload.caller]
            url = site.url(recorded, Workload(**{**vars(workload), "delay_ms": 0.0}), "recorded")
            cases = found[workload.name] = []
            requests = asked(recorded, url, workload, caller)
            for request, variables in zip(requests, workload.variants(caller), strict=True):
                heard.clear()
                status, body = request.send(url)
                answer = json.loads(body)
                number = objects(answer)
                if status != 200 or "errors" in answer or workload.objects not in {None, number}:
                    raise WrongAnswerError(
                        f"tripgate/{workload.name}: HTTP {status}, {number} objects instead of {workload.objects}: "
                        f"{body[:500]!r}"
                    )
                cases.append(Case(workload, caller, variables, tuple(heard), answer))
    return found


def verified(site: Site, contender: Contender, cases: Sequence[Case], label: str = "") -> list[Exchange]:
    """Put every case to a contender once; the exchanges to repeat.

    Raises:
        WrongAnswerError: An answer differs from Tripgate's or PostgREST's.
    """
    workload, caller = cases[0].workload, cases[0].caller
    url = site.url(contender, workload, label)
    if contender.asked in {UPSTREAM, PATH}:
        if any(len(case.heard) != 1 for case in cases):
            raise WrongAnswerError(f"{workload.name} takes more than one request; raw PostgREST is compared with one.")
        requests = [case.heard[0][0] for case in cases]
        if contender.asked == PATH:
            requests = [
                Request.post("/graphql", caller.token, {"path": each.path.removeprefix("/")}) for each in requests
            ]
    else:
        requests = asked(contender, url, workload, caller)
    exchanges = []
    for case, request in zip(cases, requests, strict=True):
        status, body = request.send(url)
        if status != 200 or not _is_right(contender, case, body):
            raise WrongAnswerError(
                f"{contender.name}/{workload.name} answers wrong: HTTP {status}, {body[:500]!r}; "
                f"expected {str(case.answer)[:500]}"
            )
        exchanges.append(Exchange(request.wire(url), body))
    return exchanges


def _is_right(contender: Contender, case: Case, body: bytes) -> bool:
    if contender == RAW:
        return body == case.heard[0][1]
    answer = json.loads(body)
    if contender.asked == OURS:
        return bool(answer == case.answer)
    return leaves(answer) == leaves(json.loads(case.heard[0][1]) if contender.asked == PATH else case.answer)


def measure(site: Site, plan: Plan, folder: Path) -> list[Measured]:
    """Measure all cells of the plan, round by round.

    Raises:
        WrongAnswerError: Any answer of any contender was wrong.
    """
    site.progress("Hearing what Tripgate asks of PostgREST")
    cases = capture(site, plan.workloads)
    for workload in plan.workloads:
        if workload.group == WORKERS:
            recorded = folder / "recorded.json"
            recorded.write_bytes(cases[workload.name][0].heard[0][1])
            site.replay = site.run("bench_replay", [sys.executable, "-m", "bench.relay", "replay", str(recorded)], {})
    site.progress("Starting the contenders and checking their answers")
    exchanges = {(w.name, c.name): verified(site, c, cases[w.name]) for w, c in plan.cells}
    shared = {"postgrest": site.serving(site.info.rest_url), "postgres": site.serving(site.info.db_url)}
    measured: list[Measured] = []
    with Load() as load:
        # A first round does not count: what compiles as it runs, as Node does, has had its time before the others.
        for number in range(plan.rounds + 1):
            if number == 0:
                site.progress("Warming up")
            for workload, contender in plan.turns(number):
                url, tree = site.url(contender, workload), site.tree(contender, workload)
                sent = exchanges[workload.name, contender.name]
                if workload.fresh:
                    new = never_seen(contender, workload, site.callers[workload.caller], number)
                    sent = [Exchange(each.wire(url), sent[0].body) for each in new]
                if workload.group == WORKERS:
                    shared["postgrest"] = site.serving(site.replay)
                try:
                    reading = load.read(
                        url,
                        sent,
                        {**shared, **({} if tree is None else {"gateway": tree})},
                        connections=workload.connections or plan.connections,
                        seconds=plan.seconds if number else min(plan.seconds, WARM_UP_SECONDS),
                        besides=site.ways(),
                    )
                except WrongAnswerError as error:
                    raise WrongAnswerError(f"{contender.name}/{workload.name}: {error}") from None
                shared["postgrest"] = site.serving(site.info.rest_url)
                if number:
                    found = {"round": number, "workload": workload.name, "contender": contender.name}
                    measured.append(Measured(**asdict(reading), **found))
                    site.progress(
                        f"Round {number} of {plan.rounds}: {workload.name}, {contender.title}: "
                        f"{reading.requests_per_second:,.0f} requests/s"
                    )
    return measured


def never_seen(contender: Contender, workload: Workload, caller: Caller, number: int) -> list[Request]:
    """The same question under operation names that no other round has."""
    name = workload.document.split("(")[0].removeprefix("query ")
    (variables,) = workload.variants(caller)
    documents = [workload.document.replace(name, f"Round{number}Number{n}", 1) for n in range(NEW_DOCUMENTS)]
    return [graphql(contender, caller.token, each, variables) for each in documents]


@contextmanager
def _recorder(rest_url: str, heard: list[tuple[Request, bytes]]) -> Iterator[str]:
    """A relay to PostgREST that keeps each request and its answer; its address."""
    address = urlsplit(rest_url)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            headers = tuple((name, value) for name, value in self.headers.items() if name.lower() != "host")
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
            upstream.request(self.command, self.path, body=sent or None, headers=dict(headers))
            answer = upstream.getresponse()
            body = answer.read()
            upstream.close()
            kept = tuple((name, value) for name, value in headers if name.lower() != "content-length")
            heard.append((Request(self.command, self.path, kept, sent), body))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def chosen(only: Sequence[str], without: Sequence[str]) -> list[tuple[Workload, Contender]]:
    """The pairs that some entry of `only` names, all without any; `--only a --only b` means workload a by contender b.

    Raises:
        ValueError: An entry names nothing.
    """
    pairs = [(w, c) for w in WORKLOADS for c in CONTENDERS if takes_part(c, w) and c.name not in without]
    contenders = {c.name for _, c in pairs} & set(only)
    workloads = {name for w, _ in pairs for name in (w.name, w.group)} & set(only)
    slashed = {f"{c.name}/{w.name}" for w, c in pairs} & set(only)
    if unknown := set(only) - contenders - workloads - slashed:
        raise ValueError(f"{', '.join(sorted(unknown))}: no contender, workload, contender/workload or part")
    plain = bool(contenders or workloads or not only)
    return [
        (w, c)
        for w, c in pairs
        if f"{c.name}/{w.name}" in slashed
        or (plain and (not contenders or c.name in contenders) and (not workloads or {w.name, w.group} & workloads))
    ]
