"""Bytecode instructions of the gateway per request of every workload, of this tree or of two compared.

`python -m bench --instructions --against ../before` is the way in. Each tree is counted by a process of its own, over a
stack made from that tree's schema, with this tree's questions: `python -m bench.instructions <tree>`. Seconds differ
between machines and hours; these counts hardly do.
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    # The program of the tree that is counted, then this tree's benchmark and helpers of tests.
    sys.path.insert(0, sys.argv[1])
    import gql  # noqa: F401
    import resolvers  # noqa: F401
    import tripgate  # noqa: F401

    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.contenders import GATEWAYS, TRIPGATE, Contender, Request, takes_part
from bench.measure import asked, never_seen
from bench.site import Site, options
from bench.workloads import WORKLOADS, Workload
from tests.performance.counting import CountedGateway
from tripgate.gateway.settings import Settings
from tripgate.local.stack import Stack

HERE = Path(__file__).resolve().parent.parent
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
    lines = [f"{'':{width}}  {'before':>10}  {'now':>10}  ratio"]
    most = 0.0
    for name in now:
        was, is_now = before.get(name), now[name]
        ratio = is_now / was if isinstance(was, int) and isinstance(is_now, int) else None
        most = max(most, ratio or 0.0)
        cells = [f"{each:,}" if isinstance(each, int) else each or "-" for each in (was, is_now)]
        lines.append(f"{name:{width}}  {cells[0]:>10}  {cells[1]:>10}  {'-' if ratio is None else f'{ratio:.3f}':>5}")
    lines.append("Instructions per request: the fewest of several, once all that can be kept is.")
    if against is not None:
        lines.append(f"The most: {most:.3f}; at most {MOST:g} is allowed.")
    return "\n".join(lines), most <= MOST


def _counted(tree: Path, only: Sequence[str], progress: Callable[[str], None]) -> dict[str, int | str]:
    progress(f"Counting the instructions of {tree}")
    command = [sys.executable, "-m", "bench.instructions", str(tree.resolve()), *only]
    found = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
    counts: dict[str, int | str] = json.loads(found.stdout)
    return counts


def _main(only: Sequence[str]) -> None:
    different = {}
    for each in WORKLOADS:
        # What differs only in how it is measured takes the same instructions.
        key = (each.document, str(each.constants), each.caller, each.rotation, str(each.settings), each.fresh)
        named = not only or {each.name, each.group} & set(only)
        if named and takes_part(TRIPGATE, each) and each.delay_ms == 0:
            different.setdefault(key, each)
    found: dict[str, int | str] = {}
    with tempfile.TemporaryDirectory(prefix="tripgate-bench-") as folder:
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        with Stack(options(data_dir)) as stack:
            site = Site(stack, data_dir, lambda _: None)
            site.fill(PEOPLE)
            for gateway in GATEWAYS:
                if not site.lacks(gateway):
                    counts = asyncio.run(_count(site, gateway, list(different.values())))
                    prefix = "" if gateway == TRIPGATE else f"{gateway.title}: "
                    found |= {prefix + name: count for name, count in counts.items()}
    sys.stdout.write(json.dumps(found))


async def _count(site: Site, contender: Contender, workloads: Sequence[Workload]) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for number in range(len(workloads)):
        settings = workloads[number].settings
        if settings in [each.settings for each in workloads[:number]]:
            continue
        env = {name: value.format(**site.addresses()) for name, value in contender.env.items()} | dict(settings)
        given = {name.removeprefix("TRIPGATE_").lower(): value for name, value in env.items()}
        supabase = {"SUPABASE_URL": site.info.api_url, "SUPABASE_PUBLISHABLE_KEY": site.info.publishable_key}
        gateway = CountedGateway(Settings.model_validate({**supabase, **given}))
        async with gateway:
            for workload in workloads:
                if workload.settings == settings:
                    name = workload.title.removesuffix(", 1 connection")
                    try:
                        found[name] = await _fewest(site, contender, gateway, workload)
                    except (KeyError, TypeError, ValueError) as error:
                        found[name] = f"{type(error).__name__}: {error}"[:60]
    return found


async def _fewest(site: Site, contender: Contender, gateway: CountedGateway, workload: Workload) -> int:
    caller = site.callers[workload.caller]
    requests = await asyncio.to_thread(asked, contender, gateway.url, workload, caller)
    warm = len(requests) + WARM
    turn: Iterator[Request] = itertools.cycle(requests)
    if workload.fresh:
        turn = iter(never_seen(contender, workload, caller, 1))
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=60)

    def send(request: Request) -> None:
        connection.request(request.method, request.path, body=request.body, headers=dict(request.headers))
        body = connection.getresponse().read()
        if b'"errors"' in body:
            raise ValueError(body[:300].decode())

    with contextlib.closing(connection):
        for _ in range(warm):
            await asyncio.to_thread(send, next(turn))
        counts = []
        for _ in range(COUNTED):
            await gateway.begin()
            await asyncio.to_thread(send, next(turn))
            counts.append((await gateway.end()).total())
    return int(min(counts))


if __name__ == "__main__":
    _main(sys.argv[2:])
