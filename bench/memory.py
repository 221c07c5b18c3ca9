"""How much memory a gateway takes for one large answer, beyond what it holds anyway.

Each gateway starts anew and answers a small page of the same document, so that what it loads once is loaded. Then its
peak is reset, it answers the large page a few times, and the peak of its resident set is compared with what it held.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.aligned import aligned
from bench.contenders import RAW, TRIPGATE, Case, Contender, request
from bench.http1 import WrongAnswerError
from bench.outcome import Outcome, Target
from bench.servers import Servers
from bench.site import Site
from bench.workloads import THOUSAND_TRIPS, Workload

ANSWERS = 3
MOST = 5.0
_SMALL = ("trips", 10)


def measure(
    site: Site, contenders: Sequence[Contender], small: Case, large: Case, progress: Callable[[str], None]
) -> Outcome:
    """The peak of every gateway.

    Args:
        small: A page of the same document that is answered before.
        large: The page whose answer is measured.

    Raises:
        WrongAnswerError: A gateway does not answer.
    """
    servers = Servers(site, progress, label="memory")
    rows: list[tuple[str, ...]] = [("", "answer KB", "before MB", "peak MB", "peak over answer")]
    targets = []
    figures = {}
    for contender in contenders:
        if contender == RAW:
            continue
        progress(f"memory: {contender.title}")
        url = servers.url(contender, THOUSAND_TRIPS)
        tree = servers.tree(contender, THOUSAND_TRIPS)
        assert tree is not None
        _ask(contender, url, small, 5)
        before = _status(tree.pid, "VmRSS")
        _reset_peak(tree.pid)
        size = _ask(contender, url, large, ANSWERS)
        peak = _status(tree.pid, "VmHWM")
        times = (peak - before) / size
        figures[contender.name] = {"answer": size, "before": before, "peak": peak, "times": times}
        rows.append(
            (contender.title, f"{size / 1e3:,.0f}", f"{before / 1e6:.1f}", f"{peak / 1e6:.1f}", f"{times:.1f} times")
        )
        if contender == TRIPGATE:
            name = f"memory for {THOUSAND_TRIPS.title.removesuffix(', 1 connection')}"
            targets.append(Target(name, f"at most {MOST:g} times the answer", f"{times:.1f}", times <= MOST))
    text = [
        "memory: the peak of a gateway that answers 1,000 trips with 10 items each",
        *aligned(rows),
        f"The greatest of {ANSWERS} answers, one after the other.",
    ]
    return Outcome("memory", "\n".join(text), targets, figures)


def small_workload() -> Workload:
    """The page that is answered before the large one."""
    constants = tuple(_SMALL if name == _SMALL[0] else (name, value) for name, value in THOUSAND_TRIPS.constants)
    return Workload(
        **{**vars(THOUSAND_TRIPS), "name": "before_memory", "constants": constants, "objects": _SMALL[1] * 11}
    )


def is_possible() -> bool:
    """Whether this system tells and resets the peak of a process."""
    return Path("/proc/self/clear_refs").exists()


def _ask(contender: Contender, url: str, case: Case, times: int) -> int:
    """Ask so often; the size of the answer's body."""
    size = 0
    for _ in range(times):
        status, body = request(contender, case).send(url)
        if status != 200:
            raise WrongAnswerError(f"{contender.name}/{case.workload.name}: HTTP {status}: {body[:300]!r}")
        size = len(body)
    return size


def _reset_peak(pid: int) -> None:
    # "5": the peak of the resident set.
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> int:
    """Bytes, from a line as in `VmRSS:   84012 kB`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"Process {pid} has no {name}.")
