"""The embedded Supabase as one thing: started, described by its addresses and keys, stopped.

Takes `StackOptions`; gives `StackInfo`; raises LocalStackError with a sentence that says what to do. Nothing it starts
outlives this process, however it ends.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tripgate.local import binaries, database, keys, ports, postgrest, vault
from tripgate.local.auth import project_settings
from tripgate.local.data_dir import DataDir, remove_tree
from tripgate.local.errors import LocalStackError
from tripgate.local.front_door_config import FrontDoorConfig
from tripgate.local.functions import environment as functions_environment
from tripgate.local.functions import settings as functions_settings
from tripgate.local.launch import Launch
from tripgate.local.postgres import socket_directory
from tripgate.local.process import ServerProcess, Supervisor
from tripgate.local.providers.all_providers import ALL
from tripgate.local.realtime.config import RealtimeSettings
from tripgate.local.storage import config as storage_config
from tripgate.local.system_state import cluster_directory
from tripgate.local.system_user import server_user

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from tripgate.local.postgres import Postgres

__all__ = ["LocalStackError", "Stack", "StackInfo", "StackOptions"]


@dataclass(frozen=True)
class StackOptions:
    """What to start. `api_port` 0 takes any free port; `fresh` throws the data away first; `access_token_seconds`
    overrules the project's `jwt_expiry`, and `password_cost` what bcrypt takes; `site_url` is where links in mails lead
    unless the project says so itself; `hosts` are more names by which the inbox may be asked for; without `scheduler`
    no job of the database runs and none of its requests is sent; `env_file` is read for the functions' settings in
    place of `supabase/functions/.env`, and `function_limits` are theirs; `storage` overrules what the project says of
    it; without `jobs` those of the program do not run in a new database.
    """

    project_dir: Path
    data_dir: Path
    api_port: int = 54321
    fresh: bool = False
    jwt_algorithm: Literal["ES256", "HS256"] = "ES256"
    seed: bool = True
    jobs: bool = True
    access_token_seconds: int | None = None
    password_cost: int | None = None
    site_url: str | None = None
    hosts: tuple[str, ...] = ()
    scheduler: bool = True
    realtime: RealtimeSettings = field(default_factory=RealtimeSettings)
    env_file: Path | None = None
    storage: storage_config.StorageSettings | None = None
    function_limits: functions_settings.FunctionLimits = field(default_factory=functions_settings.FunctionLimits)


@dataclass(frozen=True)
class StackInfo:
    """Where everything is. `rest_url` is PostgREST's own address, which takes tokens and knows no API keys."""

    api_url: str
    rest_url: str
    db_url: str
    admin_db_url: str
    publishable_key: str
    secret_key: str
    jwt_secret: str | None
    inbox_url: str

    @property
    def providers_url(self) -> str:
        """The page of the services outside, which are faked."""
        return f"{self.api_url}/providers"


class Stack:
    """One embedded Supabase. A context manager: entering starts it, leaving stops it."""

    def __init__(self, options: StackOptions, progress: Callable[[str], None] = lambda _: None) -> None:
        self._options = options
        self._progress = progress
        self._data_dir: DataDir | None = None
        self._supervisor: Supervisor | None = None
        self._launch: Launch | None = None
        self._postgres: Postgres | None = None
        self._sockets: Path | None = None
        self.info: StackInfo | None = None

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> StackInfo:
        """Start everything and return when it answers. Raises LocalStackError, with nothing left running."""
        if self._data_dir is not None:
            raise LocalStackError("This stack is already started.")
        try:
            # Bound before anything slow happens, so that a taken port is known at once.
            with contextlib.closing(ports.listen(self._options.api_port)) as listener:
                self.info = self._start(listener)
        except BaseException:
            self.stop()
            raise
        return self.info

    def spawn(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> ServerProcess:
        """Run one more process that ends with the stack; its output goes to `logs/<name>.log`."""
        if self._supervisor is None:
            raise LocalStackError("Start the stack before anything is added to it.")
        return self._supervisor.start(name, argv, env=env)

    def pid(self, name: str) -> int:
        """The process below which everything of this server runs. Raises LocalStackError when there is none."""
        process = self._supervisor.find(name) if self._supervisor else None
        if process is None:
            raise LocalStackError(f"There is no server {name} that runs.")
        return process.pid

    def kill(self, name: str) -> None:
        """End one server as a crash would, without a chance to say goodbye; the others go on, and `wait` with them."""
        process = self._supervisor.find(name) if self._supervisor else None
        if self._supervisor is None or process is None:
            raise LocalStackError(f"There is no server {name} that runs.")
        self._supervisor.kill(process)

    def restart(self, name: str) -> None:
        """Start `realtime`, `postgrest` or `postgres`, killed or not, anew where it was; return when it answers."""
        if self._launch is None or self._postgres is None or name not in {"realtime", "postgrest", "postgres"}:
            raise LocalStackError(f"{name} cannot be started anew by itself.")
        if name == "realtime":
            self._launch.restart_realtime()
        elif name == "postgrest":
            self._launch.restart_postgrest(binaries.postgrest(self._progress))
        else:
            self._launch.restart_postgres(self._postgres)

    def wait(self) -> tuple[str, int]:
        """Wait until one of the processes ends on its own; its name and exit code."""
        if self._supervisor is None:
            raise LocalStackError("The stack is not started.")
        return self._supervisor.wait_first()

    def ended(self) -> tuple[str, int] | None:
        """Name and exit code of a process that has ended on its own, if one has."""
        if self._supervisor is None:
            raise LocalStackError("The stack is not started.")
        return self._supervisor.ended()

    @property
    def logs(self) -> Path:
        """Where each process has its log, `<name>.log`."""
        if self._data_dir is None:
            raise LocalStackError("The stack is not started.")
        return self._data_dir.logs

    @property
    def made_from(self) -> dict[str, str]:
        """The digests of the schema files that the database was made from, or last brought to."""
        if self._data_dir is None:
            raise LocalStackError("The stack is not started.")
        return dict(self._data_dir.read_state()["made_from"]["schemas"])

    def brought_to(self, schemas: Mapping[str, str]) -> None:
        """Note that the database has what these schema files make."""
        if self._data_dir is None:
            raise LocalStackError("The stack is not started.")
        state = self._data_dir.read_state()
        self._data_dir.write_state({**state, "made_from": {**state["made_from"], "schemas": dict(schemas)}})

    def stop(self) -> None:
        """Stop everything that was started. May be called again."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = self._launch = self._postgres = None
        if self._sockets is not None:
            # Empty once Postgres has removed its socket.
            with contextlib.suppress(OSError):
                self._sockets.rmdir()
            self._sockets = None
        if self._data_dir is not None:
            self._data_dir.release()
            self._data_dir = None

    def _start(self, listener: socket.socket) -> StackInfo:
        options = self._options
        schema = database.project_files(options.project_dir)
        seed = database.seed_file(options.project_dir) if options.seed else None
        auth = project_settings.of_project(options.project_dir, options.site_url)
        if options.access_token_seconds is not None:
            auth = auth.model_copy(update={"access_token_seconds": options.access_token_seconds})
        if options.password_cost is not None:
            auth = auth.model_copy(update={"password_cost": options.password_cost})
        functions = functions_settings.of_project(options.project_dir)
        storage = options.storage or storage_config.of_project(options.project_dir)
        schemas = postgrest.exposed_schemas(options.project_dir)
        api_port: int = listener.getsockname()[1]
        api_url = f"http://{ports.HOST}:{api_port}"
        environment = functions_environment.environment_of(
            functions.directory,
            options.env_file,
            own={"MAIL_URL": f"{api_url}/inbox", "SITE_URL": auth.site_url},
            addresses={"api_url": api_url, "site_url": auth.site_url},
            faked={each.key: variable for each in ALL if each.key for variable in each.variables},
        )
        for sentence in (*environment.warnings, *environment.notes):
            self._progress(sentence)
        data_dir = self._data_dir = DataDir(options.data_dir)
        supervisor = self._supervisor = Supervisor(data_dir.logs, data_dir.lock)
        user = server_user()
        cluster = cluster_directory(data_dir, user)
        if options.fresh:
            self._progress("Removing the data of the last run")
            remove_tree(cluster)
            data_dir.wipe()
        data_dir.refuse_a_database_alone(cluster)
        data_dir.config.mkdir(exist_ok=True)
        secrets = keys.load_or_create(data_dir.keys)
        signer = keys.Signer(
            algorithm=options.jwt_algorithm, private_jwk=secrets.private_jwk, jwt_secret=secrets.jwt_secret
        )
        postgrest_program = binaries.postgrest(self._progress)
        sockets = self._sockets = socket_directory(data_dir, user, data_dir.read_state().get("sockets"))

        launch = self._launch = Launch(data_dir, supervisor, secrets, user, self._progress)
        front_door = launch.start_front_door(listener)
        realtime = launch.start_realtime()
        postgres = self._postgres = launch.start_postgres(cluster, sockets, schema, seed, jobs=options.jobs)
        rest_url = launch.start_postgrest(postgrest_program, postgres, signer, schemas)
        realtime_port = launch.open_realtime(realtime, postgres, signer, options.realtime)
        cron_secret = environment.variables.get("CRON_SECRET", secrets.cron_secret)
        vault.keep(postgres.admin_url(), {"project_url": api_url, "cron_secret": cron_secret})
        config = FrontDoorConfig(
            listen_fd=listener.fileno(),
            api_url=api_url,
            rest_url=rest_url,
            realtime_url=f"http://{ports.HOST}:{realtime_port}",
            auth_database_url=postgres.tcp_url("supabase_auth_admin", secrets.passwords["supabase_auth_admin"]),
            publishable_key=secrets.publishable_key,
            secret_key=secrets.secret_key,
            signer=signer,
            inbox_file=data_dir.inbox,
            hosts=options.hosts,
            auth=auth,
            functions=functions,
            functions_environment=dict(environment.variables),
            function_limits=options.function_limits,
            functions_database_url=postgres.tcp_url("postgres", secrets.passwords["postgres"]),
            functions_log_dir=data_dir.logs,
            cron_secret=cron_secret,
            storage=storage,
            storage_database_url=postgres.tcp_url(
                "supabase_storage_admin", secrets.passwords["supabase_storage_admin"]
            ),
            storage_directory=data_dir.storage,
            storage_config_file=data_dir.config / "storage.json",
            scheduler_database_url=postgres.admin_url() if options.scheduler else None,
            lock_fd=data_dir.lock,
        )
        launch.open_front_door(front_door, config, api_port)
        return StackInfo(
            api_url=api_url,
            rest_url=rest_url,
            db_url=postgres.tcp_url("postgres", secrets.passwords["postgres"]),
            admin_db_url=postgres.admin_url(),
            publishable_key=secrets.publishable_key,
            secret_key=secrets.secret_key,
            jwt_secret=secrets.jwt_secret if options.jwt_algorithm == "HS256" else None,
            inbox_url=f"{api_url}/inbox",
        )
