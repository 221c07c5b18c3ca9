"""Which tests one worker runs together, and in which order the groups begin."""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent

# What takes longest begins first, so that no worker is left with it at the end. What is not named here begins later.
SLOW = (
    "tests/docs/test_adding_a_table.py",
    "tests/cli/test_schema_changes.py",
    "tests/database",
    "tests/outages",
    "tests/performance/",
    "tests/local/",
    "tests/cli/",
    "tests/tooling/",
    "tests/frontend/",
    "tests/importing/",
    "tests/postgres",
    "tests/kinds",
    "tests/scopes",
    "tests/federation/",
)
# What waits more than it computes begins between the others, one file after the other, so that never all workers wait.
WAITING = ("tests/live/", "tests/faults/", "tests/functions/", "tests/rates/", "tests/caching/")


class GroupScheduling(LoadScopeScheduling):
    """Hands out whole groups, in the order in which they were collected.

    Not by xdist's own marks, which its version 3.8 loses where pytest is 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The test's file; or its folder, where that has a stack of its own: a fixture of scope `package`."""
    file = nodeid.partition("::")[0]
    return _folder_with_servers(str(Path(file).parent)) or file


@cache
def _folder_with_servers(folder: str) -> str:
    """This folder or the nearest around it whose fixtures have the scope; nothing if there is none."""
    conftest = ROOT / folder / "conftest.py"
    if conftest.exists() and 'scope="package"' in conftest.read_text():
        return folder
    return _folder_with_servers(str(Path(folder).parent)) if "/" in folder else ""


def places(groups: list[str]) -> dict[str, float]:
    """Where each group stands in the row of those that begin."""
    waiting = [group for group in groups if group.startswith(WAITING)]
    others = [group for group in groups if group not in waiting]
    others.sort(key=lambda group: next((place for place, name in enumerate(SLOW) if group.startswith(name)), len(SLOW)))
    # They are through when two thirds of the others are.
    step = 0.7 * len(others) / max(1, len(waiting))
    return {
        **{group: float(place) for place, group in enumerate(others)},
        **{group: place * step - 0.5 for place, group in enumerate(waiting)},
    }
