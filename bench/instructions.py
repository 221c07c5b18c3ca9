"""Bytecode instructions of the gateway per request of every workload, of this tree or of two compared.

`python -m bench --instructions --against ../before` is the way in. Each tree is counted by a process of its own, over a
stack made from that tree's schema, with this tree's questions: `python -m bench.instructions <tree>`. Seconds differ
between machines and hours; these counts hardly do.
"""

import asyncio
import http.client
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    # The program of the tree that is counted, then this tree's benchmark and helpers of tests.
    sys.path[0] = sys.argv[1]
    import gql  # noqa: F401
    import resolvers  # noqa: F401
    import tripgate  # noqa: F401

    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.contenders import GATEWAYS, TRIPGATE, Contender
from bench.measure import asked
from bench.site import HERE, Site, options
from bench.workloads import LARGE_PAGES, WORKLOADS, Workload
from tests.performance.counting import CountedGateway
from tripgate.gateway.settings import Settings
from tripgate.local.stack import Stack

MOST = 1.03
PEOPLE = 100
WARM, COUNTED = 3, 5


def compare(against: Path | None, only: Sequence[str], progress: Callable[[str], None]) -> tuple[str, bool]:
    """A table of both trees, or of this one, and whether no workload takes more than may be.

    Args:
        only: Names of workloads or groups; all without any.

    Raises:
        CalledProcessError: A tree could not be counted.
    """
    now = _counted(HERE, only, progress)
    before = _counted(against, only, progress) if against is not None else {}
    width = max(map(len, now))
    ratios = {name: now[name] / before[name] for name in now if name in before}
    lines = [f"{'':{width}}  {'before':>10}  {'now':>10}  ratio"]
    for name, count in now.items():
        ratio = f"{ratios[name]:.3f}" if name in ratios else "-"
        lines.append(f"{name:{width}}  {before.get(name, 0) or '-':>10}  {count:>10}  {ratio:>5}")
    lines.append("Instructions per request: the fewest of several, once all that can be kept is.")
    most = max(ratios.values(), default=0.0)
    if against is not None:
        lines.append(f"The most: {most:.3f}; at most {MOST:g} is allowed.")
    return "\n".join(lines), most <= MOST


def _counted(tree: Path, only: Sequence[str], progress: Callable[[str], None]) -> dict[str, int]:
    progress(f"Counting the instructions of {tree}")
    # From the tree's own folder, so that its servers are its own too.
    command = [sys.executable, __file__, str(tree.resolve()), *only]
    found = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    counts: dict[str, int] = json.loads(found.stdout)
    return counts


def _main(only: Sequence[str]) -> None:
    different = {}
    for each in WORKLOADS:
        # What differs only in how it is measured takes the same instructions.
        key = (each.document, str(each.constants), each.caller, each.rotation, str(each.settings))
        if (not only or {each.name, each.group} & set(only)) and each.delay_ms == 0:
            different.setdefault(key, each)
    found: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="tripgate-bench-") as folder:
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        with Stack(options(data_dir)) as stack:
            site = Site(stack, data_dir, lambda _: None)
            site.fill(PEOPLE)
            for gateway in GATEWAYS:
                for settings in ({}, LARGE_PAGES):
                    workloads = [each for each in different.values() if each.settings == settings]
                    found |= asyncio.run(_count(site, gateway, workloads))
    sys.stdout.write(json.dumps(found))


async def _count(site: Site, contender: Contender, workloads: Sequence[Workload]) -> dict[str, int]:
    if not workloads:
        return {}
    env = {name: value.format(**site.addresses()) for name, value in contender.env.items()} | workloads[0].settings
    given = {name.removeprefix("TRIPGATE_").lower(): value for name, value in env.items()}
    supabase = {"SUPABASE_URL": site.info.api_url, "SUPABASE_PUBLISHABLE_KEY": site.info.publishable_key}
    prefix = "" if contender == TRIPGATE else f"{contender.title}: "
    found: dict[str, int] = {}
    async with CountedGateway(Settings.model_validate({**supabase, **given})) as gateway:
        for workload in workloads:
            try:
                found[prefix + workload.title] = await _fewest(site, contender, gateway, workload)
            except (KeyError, TypeError, ValueError) as error:
                sys.stderr.write(f"{workload.name} is left out: {error!r:.200}\n")  # the other tree cannot answer it
    return found


async def _fewest(site: Site, contender: Contender, gateway: CountedGateway, workload: Workload) -> int:
    requests = await asyncio.to_thread(asked, contender, gateway.url, workload, site.callers[workload.caller])
    turn = itertools.cycle(requests)
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=60)

    def send() -> None:
        request = next(turn)
        connection.request(request.method, request.path, body=request.body, headers=dict(request.headers))
        body = connection.getresponse().read()
        if b'"errors"' in body:
            raise ValueError(body[:300].decode())

    counts = []
    try:
        for _ in range(len(requests) + WARM + COUNTED):
            await gateway.begin()
            await asyncio.to_thread(send)
            counts.append((await gateway.end()).total())
    finally:
        connection.close()
    return int(min(counts[-COUNTED:]))


if __name__ == "__main__":
    _main(sys.argv[2:])
