"""What commands do whose output has nowhere to go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRIPGATE = Path(sys.executable).parent / "tripgate"


@pytest.mark.parametrize("arguments", [["--help"], ["jobs", "--help"], ["import", "--help"], ["--version"]])
def test_a_full_disk_is_told_in_a_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([TRIPGATE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        74,
        "Error: The output could not be written: No space left on device. What the command did stays done.\n",
    )
