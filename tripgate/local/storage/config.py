"""What the stack tells the Storage process, and what a project says of Storage in `supabase/config.toml`."""

from __future__ import annotations

import re
import tomllib

# Evaluated annotations: pydantic reads them at run time.
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tripgate.local.errors import LocalStackError
from tripgate.local.keys import Signer

_SIZE = re.compile(r"(\d+(?:\.\d+)?) *([kKmMgG]?)[iI]?[bB]?")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
# What is not there, and so may only be off.
_OFF = {
    "s3_protocol": "the S3 protocol is",
    "analytics": "analytics buckets are",
    "vector": "vector buckets are",
}
_SAID = {"enabled", "file_size_limit", "buckets"}


class StorageSettings(BaseModel):
    """Limits with the platform's defaults. `upload_seconds` is how long a resumable upload may take, and
    `signed_upload_seconds` how long a ticket for an upload holds. A test shortens the times.
    """

    enabled: bool = True
    file_size_limit: int = 50 * 1024**2
    image_transformation: bool = True
    signed_upload_seconds: int = 2 * 3600
    upload_seconds: int = 24 * 3600


class StorageConfig(BaseModel):
    """The port to listen on, what the front door shows it knows, the connection string of `supabase_storage_admin`, how
    to sign and verify tokens, and the directory of the bytes."""

    port: int
    secret: str
    database_url: str
    signer: Signer
    directory: Path
    settings: StorageSettings


def of_project(project_dir: Path) -> StorageSettings:
    """What `[storage]` of a project's configuration says. Raises LocalStackError for what makes no sense or is missing
    here."""
    file = project_dir / "supabase" / "config.toml"
    try:
        section = tomllib.loads(file.read_text(encoding="utf-8")).get("storage", {})
    except FileNotFoundError:
        return StorageSettings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalStackError(f"{file} is not TOML: {error}") from error
    tables = {name: section.get(name, {}) for name in (*_OFF, "image_transformation")} if _is_table(section) else {}
    if not tables or not all(map(_is_table, tables.values())):
        raise LocalStackError(f"{file}, [storage]: has to be a table, and what is below it too.")
    for name in section.keys() - tables.keys() - _SAID:
        raise LocalStackError(f"{file}, [storage] {name}: is no setting of Storage.")
    for name, missing in _OFF.items():
        if tables[name].get("enabled", False):
            raise LocalStackError(f"{file}, [storage.{name}]: {missing} not there; say `enabled = false`.")
    if section.get("buckets"):
        raise LocalStackError(f"{file}, [storage.buckets]: make buckets in the project's SQL.")
    read: dict[str, Any] = {}
    if "enabled" in section:
        read["enabled"] = _flag(file, "storage", section["enabled"])
    if "file_size_limit" in section:
        read["file_size_limit"] = _bytes(file, section["file_size_limit"])
    if "enabled" in tables["image_transformation"]:
        switch = tables["image_transformation"]["enabled"]
        read["image_transformation"] = _flag(file, "storage.image_transformation", switch)
    return StorageSettings(**read)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _flag(file: Path, section: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise LocalStackError(f"{file}, [{section}] enabled: say true or false.")
    return value


def _bytes(file: Path, value: object) -> int:
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise LocalStackError(f'{file}, [storage] file_size_limit: write a size such as "50MiB".')
    # As the platform's command line reads them: both kinds of unit count by 1024.
    return int(float(match[1]) * 1024 ** _POWERS[match[2].lower()])
