"""What a database that runs lacks for the types as they are by now, told in lines: for `tripgate dev`.

A program of its own, so that types that were changed meanwhile are read anew. It takes a connection string on standard
input, where no other user sees it.
"""

import subprocess
import sys
from pathlib import Path


def findings(database_url: str, project_dir: Path) -> list[str]:
    """A line for each finding; or one that says why there can be none."""
    done = subprocess.run(  # noqa: S603 - this program itself
        [sys.executable, "-m", "tripgate.commands.checks.running", str(project_dir)],
        input=database_url,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it ended"])[-1]
        return [f"What the types need of the database was not checked: {reason}"]
    return done.stdout.splitlines()


def main() -> None:
    """Print what is wrong, a line each."""
    import psycopg  # noqa: PLC0415 - an extra

    from tripgate.commands.checks.conformity import conformity, schemas  # noqa: PLC0415 - declares every type
    from tripgate.commands.doctor.report import Level  # noqa: PLC0415
    from tripgate.commands.pg_catalog import reading  # noqa: PLC0415

    with psycopg.connect(sys.stdin.read(), connect_timeout=10) as connection:
        found = conformity(reading.read(connection, schemas()), Path(sys.argv[1]))
    for finding in found.findings:
        if finding.level in {Level.ERROR, Level.WARNING}:
            sys.stdout.write(f"{finding.level.value}: {finding.line}\n")


if __name__ == "__main__":
    main()
