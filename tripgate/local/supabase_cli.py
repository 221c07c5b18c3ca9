"""The Supabase CLI: found, or fetched from its npm package, and asked what differs between two databases.

Takes connection strings; gives SQL; needs neither Docker nor an account. `TRIPGATE_SUPABASE_CLI` names another program.
Refuses, with what to do, where the CLI is not published for the platform or fails.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local import binaries
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Since version 2.101 a package for each platform holds the program itself; package `supabase` only picks one of them.
_PACKAGES = {
    ("linux", "x86_64"): (
        "@supabase/cli-linux-x64",
        "3.1.0",
        "sha512-67aBVJQ5psQZ5ezM/uby+xjKlF2Er1GLH9EtQWpUkuOpR3uI7fQjQt9fXTfV6/oqLJA3I+X8O5Fhz/pa8lAiqg==",
    ),
    ("linux", "aarch64"): (
        "@supabase/cli-linux-arm64",
        "2.117.0",
        "sha512-CcMHEB8znY9usMJ2dwAKQV06XIYHzLgnq1KY6HzVT9XmXo0qZxTifC/oWgHX39SmCFm7a3HR4K5J95ysYz+8Hg==",
    ),
    ("darwin", "arm64"): (
        "@supabase/cli-darwin-arm64",
        "2.117.0",
        "sha512-MQVIxL+B5/U9xiXcUtky0vJQ5Qe0qhGkK2JLGwi5BAo5XxcC+iP+KCsVB1/2zzYT+d+fOlZnKyTFFWYO6Ut1sw==",
    ),
    ("darwin", "x86_64"): (
        "@supabase/cli-darwin-x64",
        "2.117.0",
        "sha512-NMuY3n8Bfe+sPCdrUQQSFkOLFqlQYkg1C0SuqvJG4HVU8ukZ7IH2gy+HFGXNuVitFPapmHTPT8NjbZ+YrunZQw==",
    ),
}
_SECONDS = 300
_NOTES = ("│", "▲", "●")


def program(progress: Callable[[str], None]) -> Path:
    """The executable: the one that is named, otherwise the one that Deno fetches, once for all projects."""
    if named := binaries.named_program("TRIPGATE_SUPABASE_CLI", os.environ.get("TRIPGATE_SUPABASE_CLI")):
        return named
    found = _PACKAGES.get((sys.platform, platform.machine()))
    if found is None:
        raise LocalStackError(
            f"The Supabase CLI is not published as a package for {platform.system()} on {platform.machine()}: install "
            "it and set TRIPGATE_SUPABASE_CLI to the program."
        )
    package, version, digest = found
    home = binaries.user_cache() / "deno"
    # Deno names a folder after the registry, which the user's npm settings choose.
    pattern = f"npm/*/{package}/{version}/bin/supabase"
    cli = next(home.glob(pattern), None)
    if cli is None:
        progress("Fetching the Supabase CLI, once for all projects")
        output = _install(package, version, digest, home)
        cli = next(home.glob(pattern), None)
        if cli is None:
            raise LocalStackError(
                "The Supabase CLI could not be fetched; check the network, or set TRIPGATE_SUPABASE_CLI to the "
                f"program:\n{output}"
            )
    cli.chmod(0o755)
    return cli


def _install(package: str, version: str, digest: str, home: Path) -> str:
    """Let Deno download the package and check it against the digest; what it said."""
    name = f"npm:{package}@{version}"
    lock = {
        "version": "5",
        "specifiers": {name: version},
        "npm": {f"{package}@{version}": {"integrity": digest}},
        "workspace": {"dependencies": [name]},
    }
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "deno.json").write_text(json.dumps({"imports": {package: name}}))
        Path(folder, "deno.lock").write_text(json.dumps(lock))
        return binaries.deno_install(Path(folder), home).stdout.strip()


def run(cli: Path, arguments: Sequence[str], project_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the CLI in the folder that holds supabase/; it asks nothing, reports nothing and keeps nothing at home."""
    # The user's own settings would send it to another project or database.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "PG"))}
    with tempfile.TemporaryDirectory() as home:
        own = {
            "SUPABASE_HOME": home,
            "SUPABASE_TELEMETRY_DISABLED": "1",
            "SUPABASE_NO_UPDATE_NOTIFIER": "1",
            "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
        }
        return subprocess.run(  # noqa: S603 (own command line)
            [cli, *arguments, "--workdir", str(project_dir)],
            cwd=project_dir,
            env={**env, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )


def diff(cli: Path, have: str, want: str) -> str:
    """The SQL that turns the database at `have` into the one at `want`, empty when they are alike."""
    with tempfile.TemporaryDirectory() as nowhere:
        try:
            result = run(cli, ["db", "diff", "--from", plain(have), "--to", plain(want)], Path(nowhere))
        except subprocess.TimeoutExpired:
            raise LocalStackError(f"`supabase db diff` was not done after {_SECONDS} s.") from None
    if result.returncode != 0:
        raise LocalStackError(f"`supabase db diff` failed:\n{(result.stderr or result.stdout).strip()}")
    return _sql(result.stdout)


def _sql(output: str) -> str:
    """What the differ wrote, without the note before it that names what it does not compare.

    An extension that a project has already is left as it is, and so is what is said of one: on the platform it belongs
    to somebody else.
    """
    lines = output.splitlines()
    while lines and (not lines[0] or lines[0].startswith(_NOTES)):
        del lines[0]
    text = re.sub(r"^COMMENT ON EXTENSION \"[^\"]+\" IS '(?:[^']|'')*';\n*", "", "\n".join(lines), flags=re.MULTILINE)
    return re.sub(r'^CREATE EXTENSION (?=")', "CREATE EXTENSION IF NOT EXISTS ", text, flags=re.MULTILINE).strip()


def plain(url: str) -> str:
    """The connection string with a word that says that a database of our own speaks no TLS."""
    return f"{url}?sslmode=disable"
