"""The comparison: every contender with every workload, in turn, for several rounds; each answer is checked."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.contenders import (
    COMPARED,
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
from bench.load import Exchange, Measured, WrongAnswerError, child_process, read
from bench.site import Site
from bench.workloads import CURSORS, WORKLOADS, Workload
from tests.support import Wire

WARM_UP_SECONDS = 0.3


@dataclass(frozen=True)
class Plan:
    """What is measured with what load. `seconds` is one round of one contender with one workload."""

    cells: Sequence[tuple[Workload, Contender]]
    rounds: int
    seconds: float

    def turns(self, number: int) -> Iterator[tuple[Workload, Contender]]:
        """The cells in the order of one round; each round begins with another contender. Round 0 is for warming up."""
        for workload in {workload.name: workload for workload, _ in self.cells}.values():
            # Who is asked in one round alone is compared with nobody, and not warmed up.
            if number <= workload.rounds and (number or workload.rounds > 1):
                mine = [contender for each, contender in self.cells if each is workload]
                turn = number % len(mine)
                yield from ((workload, contender) for contender in (*mine[turn:], *mine[:turn]))


@dataclass(frozen=True)
class Case:
    """One set of variables of a workload, with what is known of it before anything is measured.

    Attributes:
        heard: What Tripgate asks PostgREST for it, and what that answers.
        answer: Tripgate's answer, decoded.
    """

    workload: Workload
    caller: Caller
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


async def captured(site: Site, workloads: Sequence[Workload]) -> dict[str, list[Case]]:
    """The cases of each workload by its name, heard from Tripgates of their own behind a recording proxy.

    Raises:
        WrongAnswerError: An answer has errors or the wrong number of objects.
    """
    async with Wire(site.info.rest_url) as wire:
        recorded = replace(TRIPGATE, env={**TRIPGATE.env, "TRIPGATE_REST_URL": wire.url})
        return {each.name: await asyncio.to_thread(_cases, site, wire, recorded, each) for each in workloads}


def _cases(site: Site, wire: Wire, recorded: Contender, workload: Workload) -> list[Case]:
    caller = site.callers[workload.caller]
    url = site.url(recorded, replace(workload, delay_ms=0.0), "recorded")
    found = []
    for request in asked(recorded, url, workload, caller):
        wire.clear()
        status, body = request.send(url)
        answer = json.loads(body)
        number = objects(answer)
        if status != 200 or "errors" in answer or workload.objects not in {None, number}:
            raise WrongAnswerError(
                f"tripgate/{workload.name}: HTTP {status}, {number} objects instead of {workload.objects}: "
                f"{body[:500]!r}"
            )
        heard = []
        for (upstream, said), sent in zip(wire.answers, wire.bodies, strict=True):
            headers = [each for each in upstream.headers.items() if each[0].lower() not in {"host", "content-length"}]
            heard.append((Request(upstream.method, upstream.raw_path, tuple(headers), sent), said))
        found.append(Case(workload, caller, heard, answer))
    return found


def verified(site: Site, contender: Contender, cases: Sequence[Case], label: str = "") -> list[Exchange]:
    """Put every case to a contender once; the exchanges to repeat.

    Raises:
        WrongAnswerError: An answer differs from Tripgate's or PostgREST's.
    """
    workload, caller = cases[0].workload, cases[0].caller
    url = site.url(contender, workload, label)
    if contender.asked not in {UPSTREAM, PATH}:
        requests = asked(contender, url, workload, caller)
    elif any(len(case.heard) != 1 for case in cases):
        raise WrongAnswerError(f"{workload.name} takes more than one request; raw PostgREST is compared with one.")
    else:
        requests = [case.heard[0][0] for case in cases]
    if contender.asked == PATH:
        paths = [each.path.removeprefix("/") for each in requests]
        requests = [Request.post("/graphql", caller.token, {"path": path}) for path in paths]
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


def measure(site: Site, plan: Plan) -> list[Measured]:
    """Measure all cells of the plan, round by round.

    Raises:
        WrongAnswerError: Any answer of any contender was wrong.
    """
    site.progress("Hearing what Tripgate asks of PostgREST")
    cases = asyncio.run(captured(site, list({workload.name: workload for workload, _ in plan.cells}.values())))
    site.progress("Starting the contenders and checking their answers")
    exchanges: Mapping[tuple[str, str], list[Exchange]] = {
        (workload.name, contender.name): verified(site, contender, cases[workload.name])
        for workload, contender in plan.cells
    }
    measured: list[Measured] = []
    with child_process() as load:
        # A first round does not count: what compiles as it runs, as Node does, has had its time before the others.
        for number in range(plan.rounds + 1):
            site.progress(f"Round {number} of {plan.rounds}" if number else "Warming up")
            for workload, contender in plan.turns(number):
                try:
                    found = load.submit(
                        read,
                        site.url(contender, workload),
                        exchanges[workload.name, contender.name],
                        site.trees(contender, workload),
                        connections=workload.connections,
                        seconds=plan.seconds if number else min(plan.seconds, WARM_UP_SECONDS),
                        besides=site.ways(),
                        round=number,
                        workload=workload.name,
                        contender=contender.name,
                    ).result()
                except WrongAnswerError as error:
                    raise WrongAnswerError(f"{contender.name}/{workload.name}: {error}") from None
                if number:
                    measured.append(found)
                    site.progress(f"{workload.name}, {contender.title}: {found.requests_per_second:,.0f} requests/s")
    return measured


def chosen(only: Sequence[str], without: Sequence[str]) -> list[tuple[Workload, Contender]]:
    """The pairs whose workload, or its group, and contender `only` names, as far as it names any.

    Raises:
        ValueError: An entry names nothing.
    """
    pairs = [(w, c) for w in WORKLOADS for c in COMPARED if takes_part(c, w) and c.name not in without]
    contenders = {c.name for _, c in pairs} & set(only)
    workloads = {name for w, _ in pairs for name in (w.name, w.group)} & set(only)
    if unknown := set(only) - contenders - workloads:
        raise ValueError(f"{', '.join(sorted(unknown))}: no contender, workload, group of workloads or part")
    return [
        (w, c)
        for w, c in pairs
        if (not contenders or c.name in contenders) and (not workloads or {w.name, w.group} & workloads)
    ]
