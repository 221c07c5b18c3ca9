"""`python -m tests.mutants --sample 300 --seed 7`: try so many mutants, drawn by the seed, with tests without servers.

What is mutated, and by which tests it is tried, stands in pyproject.toml below `[tool.mutmut]`. Each mutant runs in a
process forked from one that has imported everything, so none sees what another did. The same seed draws the same
mutants for as long as the code is the same.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants, setup_source_paths
from mutmut.mutation.data import SourceFileMutationData
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

_MUTANTS = Path("mutants")


def known() -> dict[str, int | None]:
    """How the tests of each mutant ended; `None` for one that has not been tried."""
    found: dict[str, int | None] = {}
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        found |= data.exit_code_by_key
    return found


def main() -> int:
    """Write the mutants below `mutants/`, try some, and print what became of them."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="How many mutants to try.")
    parser.add_argument("--seed", type=int, default=1, help="Which of them.")
    parser.add_argument("--processes", type=int, default=1, help="How many at a time.")
    parser.add_argument("names", nargs="*", help="Mutants to try instead of a sample, as they are printed here.")
    given = parser.parse_args()
    shutil.rmtree(_MUTANTS, ignore_errors=True)
    _MUTANTS.mkdir()
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(given.processes)
    every = sorted(known())
    tried = given.names or random.Random(given.seed).sample(every, min(given.sample, len(every)))
    mutmut = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(given.processes)]
    done = subprocess.run([*mutmut, *sorted(tried)], check=False)
    if done.returncode != 0:
        return done.returncode
    results = {name: status_by_exit_code[code] for name, code in known().items() if name in tried}
    (_MUTANTS / "results.json").write_text(json.dumps(results, indent=1))
    for name, status in sorted(results.items(), key=lambda each: (each[1], each[0])):
        if status != "killed":
            print(f"{status}: {name}")
    print(f"{len(results)} of {len(every)} mutants, seed {given.seed}: {dict(Counter(results.values()))}")
    print("`.venv/bin/mutmut show NAME` tells what one changed; `python -m tests.mutants NAME …` tries some again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
