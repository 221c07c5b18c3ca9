"""How much memory a gateway takes for one large answer, beyond what it holds anyway.

Each gateway starts anew and answers a small page of the same document, so that what it loads once is loaded. Then its
peak is reset, it answers the large page a few times, and the peak of its resident set is compared with what it held.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.contenders import TRIPGATE, Contender
from bench.load import WrongAnswerError
from bench.measure import capture, verified
from bench.report import Outcome, Target, aligned
from bench.site import Site
from bench.workloads import THOUSAND_TRIPS

ANSWERS = 3
MOST = 5.0


def measure(site: Site, contenders: Sequence[Contender]) -> list[Outcome]:
    """The peak of every gateway; nothing where the system does not tell and reset the peak of a process.

    Raises:
        WrongAnswerError: A gateway does not answer.
    """
    if not Path("/proc/self/clear_refs").exists():
        site.progress("memory: left out, since this system does not tell the peak of a process")
        return []
    small = replace(THOUSAND_TRIPS, name="before", objects=110, constants={**THOUSAND_TRIPS.constants, "trips": 10})
    cases = capture(site, [small, THOUSAND_TRIPS])
    rows: list[tuple[str, ...]] = [("", "answer KB", "before MB", "peak MB", "peak over answer")]
    targets = []
    for contender in contenders:
        site.progress(f"memory: {contender.title}")
        tree = site.tree(contender, THOUSAND_TRIPS, "memory")
        if tree is None:
            continue
        for _ in range(5):
            verified(site, contender, cases["before"], "memory")
        before = _status(tree.pid, "VmRSS")
        Path(f"/proc/{tree.pid}/clear_refs").write_text("5")  # the peak of the resident set
        for _ in range(ANSWERS):
            (exchange,) = verified(site, contender, cases[THOUSAND_TRIPS.name], "memory")
        size, peak = len(exchange.body), _status(tree.pid, "VmHWM")
        times = (peak - before) / size
        rows.append(
            (contender.title, f"{size / 1e3:,.0f}", f"{before / 1e6:.1f}", f"{peak / 1e6:.1f}", f"{times:.1f} times")
        )
        if contender == TRIPGATE:
            name = "memory for 1,000 trips with 10 items each"
            targets.append(Target(name, f"at most {MOST:g} times the answer", f"{times:.1f}", times <= MOST))
    text = [
        "memory: the peak of a gateway that answers 1,000 trips with 10 items each",
        *aligned(rows),
        f"The greatest of {ANSWERS} answers, one after the other.",
    ]
    return [Outcome("memory", "\n".join(text), targets)]


def _status(pid: int, name: str) -> int:
    """Bytes, from a line as in `VmRSS:   84012 kB`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise WrongAnswerError(f"Process {pid} has no {name}.")
