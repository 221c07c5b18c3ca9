"""The measurement: every contender with every workload, in turn, for several rounds."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psutil

from bench.contenders import RAW, Case, Contender, is_right, request
from bench.cpu import Tree, machine_seconds
from bench.generator import Generator
from bench.http1 import Exchange, WrongAnswerError
from bench.site import ROOT, Site, child_env

WARM_SECONDS = 0.4


@dataclass(frozen=True)
class Plan:
    """What is measured with what load. `seconds` is one round of one contender with one workload."""

    contenders: Sequence[Contender]
    workloads: Sequence[str]
    only: frozenset[tuple[str, str]]
    rounds: int
    seconds: float
    connections: int

    def cells(self, round_number: int) -> Iterable[tuple[str, Contender]]:
        """Workload and contender in the order of one round; each round begins with another contender."""
        turn = round_number % len(self.contenders)
        for workload in self.workloads:
            for contender in (*self.contenders[turn:], *self.contenders[:turn]):
                if (contender.name, workload) in self.only:
                    yield workload, contender


@dataclass(frozen=True)
class Measured:
    """One contender with one workload in one round.

    Attributes:
        cpu_ms: CPU milliseconds per request of each process tree: `gateway` (absent for raw PostgREST), `postgrest`,
            `postgres`, `load` (the generator).
        cores_elsewhere: How many cores other programs kept busy meanwhile, on average.
    """

    round: int
    workload: str
    contender: str
    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: dict[str, float]
    cores_elsewhere: float


def start(site: Site, contenders: Iterable[Contender]) -> dict[str, str]:
    """Start the contenders; the address of each by its name."""
    processes = {
        contender.name: site.start(contender.name, contender.module, contender.arguments, dict(contender.env))
        for contender in contenders
        if contender.module is not None
    }
    return {RAW.name: site.info.rest_url, **{name: site.address(process) for name, process in processes.items()}}


def verified(contender: Contender, url: str, cases: Sequence[Case]) -> list[Exchange]:
    """Put every case to a contender once; the exchanges to repeat.

    Raises:
        WrongAnswerError: An answer differs from Tripgate's or PostgREST's.
    """
    exchanges = []
    for case in cases:
        asked = request(contender, case)
        status, body = asked.send(url)
        if status != 200 or not is_right(contender, case, body):
            raise WrongAnswerError(
                f"{contender.name}/{case.workload.name} answers wrong: HTTP {status}, {body[:500]!r}; "
                f"expected {str(case.answer)[:500]}"
            )
        exchanges.append(Exchange(asked.wire(url), body))
    return exchanges


def measure(site: Site, plan: Plan, cases: dict[str, list[Case]], progress: Callable[[str], None]) -> list[Measured]:
    """Measure all cells of the plan, round by round.

    Raises:
        WrongAnswerError: Any answer of any contender was wrong.
    """
    urls = start(site, plan.contenders)
    exchanges = {
        (contender.name, workload): verified(contender, urls[contender.name], cases[workload])
        for workload, contender in plan.cells(0)
    }
    shared = {
        "postgrest": Tree.serving(site.info.rest_url),
        "postgres": Tree.serving(site.info.db_url),
    }
    gateways = {name: Tree.serving(url) for name, url in urls.items() if name != RAW.name}
    measured = []
    with Generator(ROOT, {**os.environ, **child_env()}) as generator:
        load_tree = Tree(psutil.Process(generator.pid))
        for round_number in range(plan.rounds):
            for workload, contender in plan.cells(round_number):
                trees = {**shared, "load": load_tree}
                if contender.name in gateways:
                    trees["gateway"] = gateways[contender.name]
                before: dict[str, float] = {}

                def warmed(trees: dict[str, Tree] = trees, before: dict[str, float] = before) -> None:
                    before.update({name: tree.seconds() for name, tree in trees.items()}, machine=machine_seconds())

                try:
                    load = generator.run(
                        urls[contender.name],
                        exchanges[contender.name, workload],
                        connections=plan.connections,
                        warm_seconds=WARM_SECONDS,
                        seconds=plan.seconds,
                        warmed=warmed,
                    )
                except WrongAnswerError as error:
                    raise WrongAnswerError(f"{contender.name}/{workload}: {error}") from None
                used = {name: tree.seconds() - before[name] for name, tree in trees.items()}
                elsewhere = machine_seconds() - before["machine"] - sum(used.values())
                found = Measured(
                    round=round_number + 1,
                    workload=workload,
                    contender=contender.name,
                    requests=load.requests,
                    requests_per_second=load.requests / load.seconds,
                    p50_ms=load.p50_ms,
                    p99_ms=load.p99_ms,
                    max_ms=load.max_ms,
                    cpu_ms={name: seconds * 1000 / load.requests for name, seconds in used.items()},
                    cores_elsewhere=max(0.0, elsewhere / load.seconds),
                )
                measured.append(found)
                progress(
                    f"Round {found.round} of {plan.rounds}: {workload}, {contender.title}: "
                    f"{found.requests_per_second:,.0f} requests/s"
                )
    return measured
