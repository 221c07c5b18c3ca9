"""The comparison: every contender with every workload, in turn, for several rounds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from bench.contenders import Case, Contender, is_right, request
from bench.cpu import Tree
from bench.http1 import Exchange, WrongAnswerError
from bench.meter import Meter, Reading
from bench.servers import Servers
from bench.site import Site
from bench.workloads import WORKLOADS, Workload

WARM_UP_SECONDS = 0.6
_BY_NAME = {each.name: each for each in WORKLOADS}


@dataclass(frozen=True)
class Plan:
    """What is measured with what load. `seconds` is one round of one contender with one workload."""

    contenders: Sequence[Contender]
    workloads: Sequence[str]
    only: frozenset[tuple[str, str]]
    rounds: int
    seconds: float
    connections: int

    def cells(self, round_number: int) -> Iterable[tuple[Workload, Contender]]:
        """Workload and contender in the order of one round; each round begins with another contender."""
        turn = round_number % len(self.contenders)
        for workload in self.workloads:
            for contender in (*self.contenders[turn:], *self.contenders[:turn]):
                if (contender.name, workload) in self.only:
                    yield _BY_NAME[workload], contender


@dataclass(frozen=True, kw_only=True)
class Measured(Reading):
    """One contender with one workload in one round.

    Its `cpu_ms` has `gateway` (absent for raw PostgREST), `postgrest`, `postgres` and `load` (the generator).
    """

    round: int
    workload: str
    contender: str


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


def measure(
    site: Site, servers: Servers, plan: Plan, cases: dict[str, list[Case]], progress: Callable[[str], None]
) -> list[Measured]:
    """Measure all cells of the plan, round by round.

    Raises:
        WrongAnswerError: Any answer of any contender was wrong.
    """
    exchanges = {
        (contender.name, workload.name): verified(contender, servers.url(contender, workload), cases[workload.name])
        for workload, contender in plan.cells(0)
    }
    shared = {
        "postgrest": Tree.serving(site.info.rest_url),
        "postgres": Tree.serving(site.info.db_url),
    }
    measured: list[Measured] = []
    with Meter() as meter:
        # A first round does not count: what compiles as it runs, as Node does, has had its time before the others.
        for round_number in range(plan.rounds + 1):
            if round_number == 0:
                progress("Warming up")
            for workload, contender in plan.cells(round_number):
                gateway = servers.tree(contender, workload)
                try:
                    reading = meter.read(
                        servers.url(contender, workload),
                        exchanges[contender.name, workload.name],
                        {**shared, **({} if gateway is None else {"gateway": gateway})},
                        connections=workload.connections or plan.connections,
                        seconds=plan.seconds if round_number else min(plan.seconds, WARM_UP_SECONDS),
                        besides=servers.ways(),
                    )
                except WrongAnswerError as error:
                    raise WrongAnswerError(f"{contender.name}/{workload.name}: {error}") from None
                if round_number == 0:
                    continue
                found = Measured(
                    **asdict(reading), round=round_number, workload=workload.name, contender=contender.name
                )
                measured.append(found)
                progress(
                    f"Round {found.round} of {plan.rounds}: {workload.name}, {contender.title}: "
                    f"{found.requests_per_second:,.0f} requests/s"
                )
    return measured
