"""docs/strawberry.md: its code is that of the tests, which run it."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/strawberry.md").read_text(), flags=re.DOTALL)
CODE = "\n".join(path.read_text() for path in sorted((ROOT / "tests/strawberry").glob("*.py")))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: textwrap.shorten(block, 30))
def test_every_block_is_code_that_runs(block: str) -> None:
    assert block in CODE


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == 5
