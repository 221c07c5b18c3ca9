"""Extensions as the platform has them: what comes with Postgres, and stand-ins in SQL for what it cannot load.

Gives the files that Postgres finds by `extension_control_path`, each under `extensions/` of the cluster's directory.
Every one is `trusted`, since on the platform role `postgres` may create it, who is no superuser.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "extensions"
# Of those that come with Postgres, the ones that the platform has too.
_SHIPPED = ("vector",)


def of(programs: Path) -> dict[str, str]:
    """Each file's text, by its path in the cluster's directory; `programs` is the folder with Postgres' programs."""
    scripts = programs.parent / "share" / "postgresql" / "extension"
    quoted = str(scripts).replace("'", "''")
    shipped = {
        f"{name}.control": f"{file.read_text()}directory = '{quoted}'\ntrusted = true\n"
        for name in _SHIPPED
        if (file := scripts / f"{name}.control").exists()
    }
    own = {
        file.name: file.read_text(encoding="utf-8")
        for file in files(__name__).iterdir()
        if file.name.endswith((".control", ".sql"))
    }
    return {f"{FOLDER}/extension/{name}": text for name, text in {**shipped, **own}.items()}
