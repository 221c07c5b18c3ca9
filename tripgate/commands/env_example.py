"""`supabase/functions/.env.example`: what can be set for the functions, from what they declare."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tripgate.local.functions.declarations import Declaration

_WIDTH = 118
_HEADER = """\
# Written by `make schema` from settings.json. Copy it to .env, which git leaves alone, and take away the # before what
# you set. `tripgate dev` and `tripgate local` read it there; `supabase secrets set --env-file` takes it to a project.
"""


def file(project: Path) -> Path:
    """Where it lies."""
    return project / "supabase" / "functions" / ".env.example"


def text(project: Path) -> str | None:
    """What it should hold; None for a project whose functions declare nothing."""
    from tripgate.local.functions.declarations import declarations  # noqa: PLC0415 - only this needs them

    declared = declarations(project / "supabase" / "functions")
    if not declared:
        return None
    return "\n".join([_HEADER, *(_entry(name, each) for name, each in declared.items())])


def stale(project: Path) -> bool:
    """Whether it holds something else."""
    wanted = text(project)
    return wanted is not None and (not file(project).exists() or file(project).read_text(encoding="utf-8") != wanted)


def write(project: Path) -> None:
    """Write it."""
    wanted = text(project)
    if wanted is not None:
        file(project).write_text(wanted, encoding="utf-8")


def _entry(name: str, declaration: Declaration) -> str:
    of = "all functions" if "*" in declaration.functions else ", ".join(declaration.functions)
    needed = "Required on a project." if declaration.required else ""
    words = " ".join(part for part in (declaration.description, needed, f"For {of}.") if part)
    comment = textwrap.fill(words, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    return f"{comment}\n# {name}={'' if declaration.secret else declaration.default or ''}\n"
