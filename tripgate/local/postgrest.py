"""PostgREST: its configuration, start and readiness.

Takes the database's connection string and the key set; gives the address; PostgREST reads its configuration from a file
that only its owner may read, since it holds a password.
"""

from __future__ import annotations

import http.client
import json
import re
import tomllib
from typing import TYPE_CHECKING

from tripgate.local.data_dir import write_private
from tripgate.local.errors import LocalStackError
from tripgate.local.process import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tripgate.local.process import ServerProcess, Supervisor

START_SECONDS = 30.0
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
POOL = 20
CONFIG_FILE = "postgrest.conf"

# As on the platform, but for three settings: aggregates are on, since the gateway's `aggregate` fields use them;
# verified tokens are remembered, which saves 3 to 5 ms of every ES256 request (by the first of its two settings before
# PostgREST 14, by the second from then on; each passes over the other's); rows are not capped, since the gateway sends
# a limit of its own with each list.
CONFIG = """\
# Written by Tripgate at each start.
db-uri = {uri}
db-schemas = {schemas}
db-extra-search-path = "public, extensions"
db-anon-role = "anon"
db-aggregates-enabled = true
db-channel-enabled = true
db-pool = {pool}
jwt-secret = "@{jwks}"
jwt-cache-max-lifetime = 3600
jwt-cache-max-entries = 1000
server-host = "127.0.0.1"
server-port = {port}
admin-server-port = {admin_port}
log-level = "error"
"""


def start(
    supervisor: Supervisor,
    program: Path,
    config_dir: Path,
    *,
    database_url: str,
    jwks: dict[str, list[dict[str, str]]],
    schemas: tuple[str, ...],
    port: int,
    admin_port: int,
) -> ServerProcess:
    """Start PostgREST on `port` and wait until it has read the schema. Raises LocalStackError."""
    jwks_file = config_dir / "jwks.json"
    write_private(jwks_file, json.dumps(jwks))
    config = config_dir / CONFIG_FILE
    text = CONFIG.format(
        uri=json.dumps(database_url),
        schemas=json.dumps(", ".join(schemas)),
        pool=POOL,
        jwks=jwks_file,
        port=port,
        admin_port=admin_port,
    )
    write_private(config, text)
    return _run(supervisor, program, config, admin_port)


def exposed_schemas(project_dir: Path) -> tuple[str, ...]:
    """The Postgres schemas that a project's `supabase/config.toml` exposes, `public` without a word of it.

    Raises:
        LocalStackError: It says something else than names.
    """
    file = project_dir / "supabase" / "config.toml"
    try:
        api = tomllib.loads(file.read_text(encoding="utf-8")).get("api", {})
    except FileNotFoundError:
        return ("public",)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalStackError(f"{file} is not TOML: {error}") from error
    names = api.get("schemas", ["public"]) if isinstance(api, dict) else None
    if not isinstance(names, list) or not names or not all(map(_is_name, names)):
        raise LocalStackError(f'{file}: api.schemas must be a list of names, as in ["public", "household"].')
    return tuple(names)


def restart(supervisor: Supervisor, program: Path, config_dir: Path) -> ServerProcess:
    """Start PostgREST anew as it was configured last; end it first if it runs. Raises LocalStackError."""
    running = supervisor.find("postgrest")
    if running is not None:
        supervisor.forget(running)
    config = config_dir / CONFIG_FILE
    found = re.search(r"^admin-server-port = (\d+)$", config.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise LocalStackError(f"{config} is not what Tripgate wrote; start the stack anew.")
    return _run(supervisor, program, config, int(found[1]))


def _run(supervisor: Supervisor, program: Path, config: Path, admin_port: int) -> ServerProcess:
    process = supervisor.start("postgrest", [str(program), str(config)])
    try:
        wait_until(lambda: answers(admin_port, "/ready"), process, seconds=START_SECONDS, what="PostgREST")
    except LocalStackError:
        supervisor.forget(process)
        raise
    return process


def answers(port: int, path: str) -> bool:
    """True if a GET of `path` on this port answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_name(given: object) -> bool:
    return isinstance(given, str) and _NAME.fullmatch(given) is not None
