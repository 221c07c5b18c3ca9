"""The command line: `tripgate dev|serve|local|schema|migration|add|doctor|jobs|import`.

Exit codes: 0 done, 1 something failed and the message says what, 2 wrong usage or settings.
"""

import asyncio
import contextlib
import gc
import importlib.metadata
import logging
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from tripgate import systems
from tripgate.commands.add.command import add
from tripgate.commands.declaring import DeclaringGroup
from tripgate.commands.development import Development
from tripgate.commands.doctor.command import doctor
from tripgate.commands.gateway_env import board_env, board_url, demos, gateway_env
from tripgate.commands.importing import import_command
from tripgate.commands.jobs.command import jobs
from tripgate.commands.migration import migration
from tripgate.commands.packages import need_local_packages, other_gql
from tripgate.commands.request_lines import RequestLines
from tripgate.commands.schema import schema

if TYPE_CHECKING:
    from tripgate.local.functions.settings import FunctionLimits
    from tripgate.local.process import ServerProcess
    from tripgate.local.stack import Stack, StackOptions

_GATEWAY_SECONDS = 60


@click.group(cls=DeclaringGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(importlib.metadata.version("tripgate"), prog_name="tripgate")
def main() -> None:
    """A GraphQL gateway over Supabase for people who plan trips together."""


main.add_command(add)
main.add_command(doctor)
main.add_command(jobs)
main.add_command(import_command({each.imports.system: each.imports for each in systems.found() if each.imports}))
main.add_command(migration)
main.add_command(schema)
for _command in [each for system in systems.found() for each in system.commands]:
    main.add_command(_command)


def _local_options(command: click.decorators.FC) -> click.decorators.FC:
    options = [
        click.option(
            "--api-port", default=54321, show_default=True, help="Port of the Supabase API; 0 takes a free one."
        ),
        click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path(".tripgate"),
            show_default=True,
            help="Where the database and the keys are kept between runs.",
        ),
        click.option(
            "--project-dir",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            default=Path(),
            help="The folder that holds supabase/. [default: this folder]",
        ),
        click.option(
            "--env-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="The settings of the Edge Functions. [default: supabase/functions/.env]",
        ),
        click.option("--fresh", is_flag=True, help="Throw the kept data away and start anew."),
        click.option(
            "--jwt-algorithm",
            type=click.Choice(["ES256", "HS256"]),
            default="ES256",
            show_default=True,
            help="How access tokens are signed: as new projects do, or with the legacy secret.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The gateway's address.")
@click.option("--port", default=8000, show_default=True, help="The gateway's port; 0 takes a free one.")
@click.option("--quiet", is_flag=True, help="Do not print a line for each request.")
@click.option("--direct", is_flag=True, help="Read straight from Postgres, by a login made for it; PostgREST writes.")
@click.option(
    "--apply",
    "apply_at_once",
    is_flag=True,
    help="Apply changes of supabase/schemas at once, unless they lose data.",
)
@_local_options
def dev(
    host: str,
    port: int,
    api_port: int,
    data_dir: Path,
    project_dir: Path,
    env_file: Path | None,
    *,
    quiet: bool,
    direct: bool,
    apply_at_once: bool,
    fresh: bool,
    jwt_algorithm: str,
) -> None:
    """Start everything on this machine: Postgres, PostgREST, Auth and the gateway."""
    need_local_packages("tripgate dev")
    _warn_of_other_gql()
    _refuse_misspelt_settings()
    board = board_env(project_dir.resolve())
    options = _stack_options(
        api_port, data_dir, project_dir, env_file=env_file, fresh=fresh, jwt_algorithm=jwt_algorithm
    )
    if board:
        # Links in mails name the port, so it is chosen before Auth starts.
        port = port or _free_port()
        options = replace(options, site_url=board_url(host, port))
    stack = _stack(options)
    with _Interruptible(), stack:
        assert stack.info is not None  # noqa: S101 - the stack has started
        click.echo("Starting the gateway", err=True)
        env = {**gateway_env(stack.info, host, port, direct=direct), **board}
        gateway = stack.spawn("gateway", [sys.executable, "-m", "tripgate", "serve"], env)
        url = _wait_for_gateway(gateway)
        click.echo(f"Tripgate ready: {url}")
        pages = [("Start page", url.removesuffix("graphql")), *([("Board", board_url(host, port))] if board else [])]
        _describe(stack, *pages)
        watching = Development(stack, project_dir.resolve(), apply_at_once=apply_at_once)
        watching.check()
        with contextlib.nullcontext() if quiet else RequestLines(gateway.log, click.echo):
            ended = watching.run()
        _one_ended(stack, *ended)


@main.command()
@_local_options
def local(
    api_port: int, data_dir: Path, project_dir: Path, env_file: Path | None, *, fresh: bool, jwt_algorithm: str
) -> None:
    """Start the embedded Supabase alone, without the gateway."""
    need_local_packages("tripgate local")
    options = _stack_options(
        api_port, data_dir, project_dir, env_file=env_file, fresh=fresh, jwt_algorithm=jwt_algorithm
    )
    stack = _stack(options)
    with _Interruptible(), stack:
        assert stack.info is not None  # noqa: S101 - the stack has started
        click.echo(f"Supabase ready: {stack.info.api_url}")
        _describe(stack)
        _one_ended(stack, *stack.wait())


@main.command()
@click.option("--host", help="The address to listen on; else TRIPGATE_HOST.")
@click.option("--port", type=int, help="The port to listen on; else TRIPGATE_PORT.")
@click.option("--workers", type=int, help="How many processes serve; else TRIPGATE_WORKERS.")
@click.option("--worker-of", type=int, hidden=True, help="The pipe of the process that this one is a worker of.")
def serve(host: str | None, port: int | None, workers: int | None, worker_of: int | None) -> None:
    """Serve GraphQL over the Supabase project that the environment names.

    Reads SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY and the TRIPGATE_… settings of docs/settings.md.
    """
    clash = other_gql()
    from tripgate.gateway import settings  # noqa: PLC0415 - the other commands start without the server

    overrides = {"TRIPGATE_HOST": host, "TRIPGATE_PORT": port, "TRIPGATE_WORKERS": workers}
    os.environ.update({name: str(value) for name, value in overrides.items() if value is not None})
    try:
        loaded = settings.load()
    except settings.SettingsError as error:
        raise _SettingsFailure(str(error)) from None
    from tripgate.gateway import workers as others  # noqa: PLC0415 - as above

    def announce(url: str) -> None:
        if clash is not None and worker_of is None:
            # Now that the log is open.
            logging.getLogger("tripgate.start").warning("%s", clash)
        click.echo(f"{others.READY}{url}")

    try:
        with asyncio.Runner(loop_factory=_event_loop()) as runner:
            if loaded.workers > 1 and worker_of is None:
                from tripgate.gateway.observability.logs import Logs  # noqa: PLC0415 - as above

                with Logs(loaded, sys.stderr.fileno()):
                    runner.run(others.serve(loaded, announce))
            else:
                # All that a start makes stays, and looking through it for garbage would be a third of the start.
                gc.disable()
                from tripgate.gateway import server  # noqa: PLC0415 - slow to load, and only what serves needs it

                runner.run(server.serve(loaded, announce, parent=worker_of))
    except settings.SettingsError as error:
        raise _SettingsFailure(str(error)) from None
    except others.WorkerFailedError as error:
        sys.exit(error.code)
    except OSError as error:
        message = f"Cannot listen on {loaded.host}:{loaded.port}: {error.strerror}. Choose another with --port."
        raise click.ClickException(message) from None


def _warn_of_other_gql() -> None:
    clash = other_gql()
    if clash is not None:
        click.echo(f"Warning: {clash}", err=True)


def _refuse_misspelt_settings() -> None:
    """Before anything is started, for the gateway would refuse them at the end."""
    from tripgate.gateway.settings import unknown_names  # noqa: PLC0415 - the other commands start without the server

    sentences = unknown_names(os.environ)
    if sentences:
        raise _SettingsFailure("\n".join(sentences))


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, which costs less CPU; where it is not built, asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - only serving needs it
    except ImportError:
        return None
    return uvloop.new_event_loop


def _stack_options(
    api_port: int, data_dir: Path, project_dir: Path, *, env_file: Path | None, fresh: bool, jwt_algorithm: str
) -> "StackOptions":
    from tripgate.local.stack import StackOptions  # noqa: PLC0415 - `serve` must run without the local packages

    return StackOptions(
        project_dir=project_dir.resolve(),
        data_dir=data_dir.resolve(),
        api_port=api_port,
        fresh=fresh,
        jwt_algorithm="HS256" if jwt_algorithm == "HS256" else "ES256",
        hosts=_more_hosts(),
        env_file=None if env_file is None else env_file.resolve(),
        function_limits=_function_limits(),
    )


def _function_limits() -> "FunctionLimits":
    from tripgate.local.functions.settings import FunctionLimits  # noqa: PLC0415 - as above

    given = {
        "wall_seconds": os.environ.get("TRIPGATE_FUNCTION_WALL_SECONDS"),
        "cpu_seconds": os.environ.get("TRIPGATE_FUNCTION_CPU_SECONDS"),
    }
    try:
        return FunctionLimits.model_validate({name: value for name, value in given.items() if value is not None})
    except ValueError:
        names = " and ".join(f"TRIPGATE_FUNCTION_{name.upper()}" for name in given)
        raise _SettingsFailure(f"{names} are numbers of seconds above 0, as in 400.") from None


def _more_hosts() -> tuple[str, ...]:
    """What the gateway's setting of this name says, for the inbox."""
    names = os.environ.get("TRIPGATE_DEVELOPMENT_HOSTS", "").lower().split(",")
    return tuple(name.strip() for name in names if name.strip())


def _stack(options: "StackOptions") -> "Stack":
    from tripgate.local.stack import Stack  # noqa: PLC0415 - `serve` must run without the local packages

    began = time.monotonic()

    def progress(sentence: str) -> None:
        click.echo(f"[{time.monotonic() - began:5.1f} s] {sentence}", err=True)

    return Stack(options, progress)


class _Interruptible:
    """Turns SIGTERM into the same orderly end as Ctrl-C, and failures of the local stack into messages."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGTERM, self._interrupt)

    @staticmethod
    def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        from tripgate.local.errors import LocalStackError  # noqa: PLC0415

        if isinstance(error, LocalStackError):
            raise click.ClickException(str(error)) from None
        if kind is KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            return True
        return False


def _free_port() -> int:
    from tripgate.local.ports import free_port  # noqa: PLC0415 - `serve` must run without the local packages

    return free_port()


def _wait_for_gateway(gateway: "ServerProcess") -> str:
    """The address that the gateway announces once it listens."""
    deadline = time.monotonic() + _GATEWAY_SECONDS
    mark = "Tripgate serving: "
    while time.monotonic() < deadline and gateway.poll() is None:
        for line in gateway.log.read_text(errors="replace").splitlines() if gateway.log.exists() else ():
            if line.startswith(mark) and _answers(line.removeprefix(mark).replace("/graphql", "/healthz")):
                return line.removeprefix(mark)
        time.sleep(0.05)
    raise click.ClickException(f"The gateway did not start:\n{gateway.last_lines()}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - an address of our own
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _describe(stack: "Stack", *first: tuple[str, str]) -> None:
    info = stack.info
    assert info is not None  # noqa: S101 - the stack has started
    logs = ", ".join(sorted(file.name for file in stack.logs.glob("*.log")))
    lines = [
        *first,
        ("Supabase API", info.api_url),
        ("Publishable key", info.publishable_key),
        ("Secret key", info.secret_key),
        ("PostgREST", info.rest_url),
        ("Database", info.db_url),
        ("Inbox", info.inbox_url),
        ("Services outside", info.providers_url),
        ("Phones", f"{info.providers_url}/meta/phone"),
        ("Logs", f"{logs} in {stack.logs}"),
        *(("Demo accounts", f"{demo.shown}, password {demo.password}") for demo in demos()),
    ]
    for name, value in lines:
        click.echo(f"  {name + ':':<18}{value}")
    click.echo("Ctrl-C stops everything.")
    sys.stdout.flush()


def _one_ended(stack: "Stack", name: str, code: int) -> NoReturn:
    raise click.ClickException(f"{name} ended by itself with exit code {code}; its log is {stack.logs / name}.log.")


class _SettingsFailure(click.ClickException):
    """Settings that do not allow a start."""

    exit_code = 2
