"""What the stack tells its front door, as a file between the two processes."""

# Evaluated annotations: pydantic reads them at run time.
from pathlib import Path

from pydantic import BaseModel

from tripgate.local.auth.settings import AuthSettings
from tripgate.local.functions.settings import FunctionLimits, FunctionsSettings
from tripgate.local.keys import Signer
from tripgate.local.storage.config import StorageSettings


class FrontDoorConfig(BaseModel):
    """Addresses, keys, settings, and the descriptor of the listening socket, which the front door inherits.

    `hosts` are names by which this machine may be asked for its mail too. `scheduler_database_url` is the superuser's
    over a socket; without it no job of the database runs.
    """

    listen_fd: int
    api_url: str
    rest_url: str
    realtime_url: str
    auth_database_url: str
    publishable_key: str
    secret_key: str
    signer: Signer
    inbox_file: Path
    hosts: tuple[str, ...] = ()
    auth: AuthSettings
    functions: FunctionsSettings
    functions_environment: dict[str, str]
    function_limits: FunctionLimits
    functions_database_url: str
    functions_log_dir: Path
    cron_secret: str
    storage: StorageSettings
    storage_database_url: str
    storage_directory: Path
    storage_config_file: Path
    scheduler_database_url: str | None = None
    # The data directory's lock, which the functions' guards keep open until they end.
    lock_fd: int
