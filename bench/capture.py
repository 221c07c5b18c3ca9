"""Before anything is measured: what Tripgate asks of PostgREST for each case, and what it answers."""

import json
from collections.abc import Sequence

from bench.contenders import TRIPGATE, Case, graphql_request, objects
from bench.data import Caller
from bench.http1 import WrongAnswerError
from bench.recorder import Recorder
from bench.site import Site
from bench.workloads import Workload


def capture(site: Site, workloads: Sequence[Workload]) -> dict[str, list[Case]]:
    """The cases of each workload by its name, heard from a Tripgate of its own behind a recording relay.

    Raises:
        WrongAnswerError: An answer has errors or too few objects, or took other than one upstream request.
    """
    assert TRIPGATE.module is not None
    with Recorder(site.info.rest_url) as recorder:
        cases: dict[str, list[Case]] = {}
        for settings in dict.fromkeys(workload.settings for workload in workloads):
            env = {**dict(TRIPGATE.env), **dict(settings), "TRIPGATE_REST_URL": recorder.url}
            process = site.start("tripgate_recorded", TRIPGATE.module, TRIPGATE.arguments, env)
            url = site.address(process)
            for workload in workloads:
                if workload.settings == settings:
                    cases[workload.name] = _cases(url, recorder, workload, site.callers[workload.caller])
            process.stop()
    return cases


def _cases(url: str, recorder: Recorder, workload: Workload, caller: Caller) -> list[Case]:
    cases = []
    for variables in workload.variants(caller):
        status, body = graphql_request(workload.document, caller, variables).send(url)
        heard = recorder.take()
        answer = json.loads(body)
        if status != 200 or "errors" in answer or objects(answer) != workload.objects:
            raise WrongAnswerError(
                f"tripgate/{workload.name}: HTTP {status}, {objects(answer)} objects instead of "
                f"{workload.objects}: {body[:500]!r}"
            )
        if len(heard) != 1:
            raise WrongAnswerError(
                f"tripgate/{workload.name} took {len(heard)} upstream requests; "
                "raw PostgREST can be compared with exactly one."
            )
        cases.append(Case(workload, caller, variables, heard[0], answer))
    return cases
