"""Reads what the stack tells a process by a file, which may come after the process: it loads its code meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_TIMEOUT_SECONDS = 300.0
Config = TypeVar("Config", bound=BaseModel)


def await_config(file: Path, model: type[Config]) -> Config:
    """The configuration as soon as it is there. Raises FileNotFoundError when it does not come."""
    deadline = time.monotonic() + CONFIG_TIMEOUT_SECONDS
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return model.model_validate_json(file.read_bytes())
