"""Gateways with pages, and pictures of these."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support import listening
from tripgate.gateway.app import application
from tripgate.gateway.settings import Settings, load


def loaded(variables: dict[str, str]) -> Settings:
    """The settings that these variables make."""
    # Put back at once: other tests' gateways are made while this module's fixtures live.
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return load()


@asynccontextmanager
async def gateway_of(variables: dict[str, str]) -> AsyncIterator[str]:
    """A gateway with these variables; its address."""
    async with listening(application(loaded(variables))) as url:
        yield f"{url}/graphql"


def save_picture(name: str, picture: bytes, *, keep: bool = True) -> None:
    """Write the picture where somebody asked for it.

    Args:
        keep: Whether it is one of the documents' pictures; others are to be looked at, and are made on demand alone.
    """
    assert len(picture) < 300_000
    folder = os.environ.get("TRIPGATE_PICTURES" if keep else "TEST_PICTURES")
    if folder:
        Path(folder, name).write_bytes(picture)
