"""What a gateway takes to start and to answer once: time, and memory, also for one large answer."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from bench.contenders import GATEWAYS
from bench.measure import captured, verified
from bench.report import GATEWAY, Outcome, Target, aligned
from bench.site import Site
from bench.workloads import THOUSAND_TRIPS

ANSWERS = 3
MOST = 5.0


def measure(site: Site) -> Outcome:
    """Start each gateway anew, let it load by a small page what it loads once, then ask for a large one.

    The peak of its resident set is compared with what it held before; Linux alone tells and resets it.

    Raises:
        WrongAnswerError: A gateway does not answer.
    """
    small = replace(THOUSAND_TRIPS, name="small", objects=110, constants={"trips": 10, "items": 10})
    cases = asyncio.run(captured(site, [small, THOUSAND_TRIPS]))
    rows = [("start", "listens after s", "MB then", "MB after an answer", "peak over a large answer")]
    targets = []
    for contender in GATEWAYS:
        site.progress(f"start: {contender.title}")
        began = time.monotonic()
        name, _ = site.server(contender, small, "start")
        seconds, tree = time.monotonic() - began, site.tree(name)
        first = tree.resident()
        for _ in range(5):
            verified(site, contender, cases["small"], "start")
        before = tree.resident()
        file = Path(f"/proc/{tree.pids()[1]}")  # below its guard
        times = "-"
        if (file / "clear_refs").exists():
            (file / "clear_refs").write_text("5")  # the peak of the resident set
            for _ in range(ANSWERS):
                (exchange,) = verified(site, contender, cases[THOUSAND_TRIPS.name], "start")
            peak = next(line for line in (file / "status").read_text().splitlines() if line.startswith("VmHWM:"))
            more = (int(peak.split()[1]) * 1024 - before) / len(exchange.body)
            times = f"{more:.1f} times"
            if contender == GATEWAYS[0]:
                title = "memory for 1,000 trips with 10 items each"
                targets.append(Target(GATEWAY, title, f"at most {MOST:g} times the answer", times, more <= MOST))
        rows.append((contender.title, f"{seconds:.2f}", f"{first / 1e6:.1f}", f"{before / 1e6:.1f}", times))
    return Outcome("\n".join(aligned(rows)), targets)
