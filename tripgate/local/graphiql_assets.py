"""Fetches GraphiQL and React, so that the gateway serves them itself and a browser asks no other server.

These are the last versions whose packages hold a build that a browser runs as it is. Each build contains all that its
package depends on, so `npm_graphiql/deno.lock` lists three packages and leaves their hundred dependencies out.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tripgate.local.npm_packages import made_from_packages

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK_FILES = Path(__file__).with_name("npm_graphiql")
_FILES = (
    "react/*/umd/react.production.min.js",
    "react-dom/*/umd/react-dom.production.min.js",
    "graphiql/*/graphiql.min.js",
    "graphiql/*/graphiql.min.css",
)


def graphiql_assets(progress: Callable[[str], None]) -> Path:
    """The folder that holds GraphiQL's files for setting `TRIPGATE_GRAPHIQL_ASSETS`, fetched when it is not there yet.

    Args:
        progress: Called when a download starts.

    Raises:
        LocalStackError: The packages could not be fetched.
    """
    return made_from_packages("GraphiQL", LOCK_FILES, _copy_builds, progress, recipe=" ".join(_FILES))


def _copy_builds(packages: Path, target: Path) -> None:
    for pattern in _FILES:
        (file,) = packages.glob(pattern)
        shutil.copy(file, target)
