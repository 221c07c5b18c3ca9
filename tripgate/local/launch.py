"""The steps of a start: Postgres, the database's contents, PostgREST, Realtime, Auth and the front door.

Takes what a start has at hand (`Launch`); each step starts one server under the supervisor and gives what the next step
needs; raises LocalStackError.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tripgate.local import binaries, database, ports, postgrest, prepared_clusters
from tripgate.local.data_dir import write_private
from tripgate.local.errors import LocalStackError
from tripgate.local.ports import on_free_port
from tripgate.local.postgres import Postgres
from tripgate.local.process import wait_until
from tripgate.local.realtime.config import RealtimeConfig, RealtimeSettings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from tripgate.local.data_dir import DataDir
    from tripgate.local.front_door_config import FrontDoorConfig
    from tripgate.local.keys import Keys, Signer
    from tripgate.local.process import ServerProcess, Supervisor
    from tripgate.local.system_user import SystemUser

FRONT_DOOR_SECONDS = 30.0
# Functions are given some seconds to end what they have begun, then requests to the front door itself.
FRONT_DOOR_STOP = (("SIGTERM", 10.0),)
REALTIME_SECONDS = 30.0


@dataclass(frozen=True)
class Launch:
    """One start of the stack. Servers take the ports of the last start where those are free."""

    data_dir: DataDir
    supervisor: Supervisor
    secrets: Keys
    user: SystemUser | None
    progress: Callable[[str], None]

    def start_postgres(
        self, cluster: Path, sockets: Path, schema: list[Path], seed: Path | None, *, jobs: bool = True
    ) -> Postgres:
        """Start the cluster; make and fill it first, from the platform's SQL and the project's, if it is not whole."""
        state = self.data_dir.read_state()
        programs = binaries.postgres_bin(self.user)
        now = {
            "platform": database.fingerprints(database.platform_files()),
            "schemas": database.fingerprints(schema),
        }
        made_from = state.get("made_from") if (cluster / "PG_VERSION").exists() else None
        if made_from is None:
            self.progress("Making the database")
            self.data_dir.write_state({key: value for key, value in state.items() if key != "made_from"})
            new = Postgres(programs, cluster, sockets, 0, self.user, self.secrets.vault_key)
            has_platform, has_schema = prepared_clusters.make(new, schema)
        else:
            self._report_changes(made_from, now)
        self.progress("Starting Postgres")

        def start(port: int) -> Postgres:
            postgres = Postgres(programs, cluster, sockets, port, self.user, self.secrets.vault_key)
            postgres.start(self.supervisor)
            return postgres

        postgres = on_free_port(start, state.get("postgres_port"))
        if made_from is None:
            if not has_platform:
                self.progress("Applying the platform's SQL")
                database.apply_platform(postgres)
            database.make_own(postgres, self.secrets.passwords)
            files = [*([] if has_schema else schema), *([seed] if seed else [])]
            if files:
                self.progress(f"Applying {', '.join(file.name for file in files)}")
                database.apply_project(postgres, files)
            if not jobs:
                database.stop_jobs(postgres)
        # Written last: a start that was interrupted begins anew.
        self._remember(made_from=made_from or now, postgres_port=postgres.port, sockets=str(sockets))
        return postgres

    def restart_postgres(self, postgres: Postgres) -> None:
        """Start the cluster anew; end it first if it runs."""
        running = self.supervisor.find("postgres")
        if running is not None:
            self.supervisor.forget(running)
        self.supervisor.stop_last(postgres.start(self.supervisor))

    def start_postgrest(self, program: Path, postgres: Postgres, signer: Signer, schemas: tuple[str, ...]) -> str:
        """Start PostgREST over these schemas and return its address."""
        self.progress("Starting PostgREST")

        def start(port: int) -> int:
            postgrest.start(
                self.supervisor,
                program,
                self.data_dir.config,
                database_url=postgres.tcp_url("authenticator", self.secrets.passwords["authenticator"]),
                jwks=signer.verification_jwks(),
                schemas=schemas,
                port=port,
                admin_port=ports.free_port(),
            )
            return port

        port = on_free_port(start, self.data_dir.read_state().get("rest_port"))
        self._remember(rest_port=port)
        return f"http://{ports.HOST}:{port}"

    def restart_postgrest(self, program: Path) -> None:
        """Start PostgREST anew, with the configuration and the port it had; end it first if it runs."""
        postgrest.restart(self.supervisor, program, self.data_dir.config)

    def start_realtime(self) -> ServerProcess:
        """Start the process of Realtime. It loads its code and then waits for its configuration."""
        self._realtime_file.unlink(missing_ok=True)
        return self._spawn_realtime()

    def open_realtime(
        self, process: ServerProcess, postgres: Postgres, signer: Signer, settings: RealtimeSettings
    ) -> int:
        """Tell Realtime where everything is, and wait until it hears the database. Returns its port."""
        self.progress("Starting Realtime")
        role = "supabase_realtime_admin"
        database_url = postgres.tcp_url(role, self.secrets.passwords[role])
        waiting = [process]

        def start(port: int) -> int:
            config = RealtimeConfig(port=port, database_url=database_url, signer=signer, settings=settings)
            write_private(self._realtime_file, config.model_dump_json(indent=2))
            self._await_realtime(waiting.pop() if waiting else self._spawn_realtime(), port)
            return port

        port = on_free_port(start, self.data_dir.read_state().get("realtime_port"))
        self._remember(realtime_port=port)
        return port

    def restart_realtime(self) -> None:
        """Start Realtime anew, with the configuration and the port it had; end it first if it runs."""
        running = self.supervisor.find("realtime")
        if running is not None:
            self.supervisor.forget(running)
        port = RealtimeConfig.model_validate_json(self._realtime_file.read_bytes()).port
        self._await_realtime(self._spawn_realtime(), port)

    def start_front_door(self, listener: socket.socket) -> ServerProcess:
        """Start the process of Auth and the front door. It loads its code and then waits for its configuration."""
        self._front_door_file.unlink(missing_ok=True)
        return self.supervisor.start(
            "front_door",
            [sys.executable, "-m", "tripgate.local.front_door", "--config", str(self._front_door_file)],
            stop=FRONT_DOOR_STOP,
            keep=[listener.fileno(), self.data_dir.lock],
        )

    def open_front_door(self, process: ServerProcess, config: FrontDoorConfig, port: int) -> None:
        """Tell the front door what is behind it, and wait until it answers."""
        self.progress("Starting Auth and the front door")
        write_private(self._front_door_file, config.model_dump_json(indent=2))
        wait_until(
            lambda: postgrest.answers(port, "/health"), process, seconds=FRONT_DOOR_SECONDS, what="The front door"
        )
        self.supervisor.stop_first(process)

    def _spawn_realtime(self) -> ServerProcess:
        argv = [sys.executable, "-m", "tripgate.local.realtime", "--config", str(self._realtime_file)]
        return self.supervisor.start("realtime", argv)

    def _await_realtime(self, process: ServerProcess, port: int) -> None:
        try:
            wait_until(lambda: postgrest.answers(port, "/health"), process, seconds=REALTIME_SECONDS, what="Realtime")
        except LocalStackError:
            self.supervisor.forget(process)
            raise
        # Before the database, which would wait for it.
        self.supervisor.stop_first(process)

    @property
    def _realtime_file(self) -> Path:
        return self.data_dir.config / "realtime.json"

    @property
    def _front_door_file(self) -> Path:
        return self.data_dir.config / "front_door.json"

    def _report_changes(self, before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> None:
        changed = database.changed_names(before["schemas"], now["schemas"])
        if changed:
            self.progress(
                f"Note: {', '.join(changed)} changed since this database was made, which does not have the change; "
                "`tripgate dev` shows what is missing and applies it, and --fresh makes the database anew"
            )
        if database.changed_names(before["platform"], now["platform"]):
            self.progress("Note: another version of Tripgate made this database; start with --fresh to make it anew")

    def _remember(self, **values: Any) -> None:
        self.data_dir.write_state({**self.data_dir.read_state(), **values})
