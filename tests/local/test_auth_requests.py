"""The Auth stand-in beside the table of what Supabase's own Auth server answers, row by row: status, code and keys.

`requests.txt` is the table. To record it anew from a server, see `auth_requests/record.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.local.auth_requests import table
from tests.local.auth_requests.world import Service
from tests.local.conftest import served_auth
from tripgate.local.auth.settings import AuthSettings
from tripgate.local.front_door_config import FrontDoorConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tripgate.local.stack import StackInfo

SETTINGS = {
    "defaults": AuthSettings(anonymous_enabled=True),
    "confirmations": AuthSettings(autoconfirm=False, anonymous_enabled=True),
    "closed": AuthSettings(
        signup_enabled=False,
        anonymous_enabled=False,
        password_min_length=10,
        password_requirements="lower_upper_letters_digits",
        secure_password_change=True,
    ),
}


@pytest.fixture(scope="module")
async def services(running: StackInfo, running_data_dir: Path) -> AsyncIterator[dict[str, Service]]:
    """Auth under each of the table's settings. Its hashes are cheap, since rows make accounts by the hundred."""
    config = FrontDoorConfig.model_validate_json((running_data_dir / "config" / "front_door.json").read_text())
    cheap = {name: each.model_copy(update={"password_cost": 4}) for name, each in SETTINGS.items()}
    with httpx.Client() as http:
        async with contextlib.AsyncExitStack() as stack:
            yield {
                name: Service(await stack.enter_async_context(served_auth(config, settings)), config.signer.sign, http)
                for name, settings in cheap.items()
            }


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.line}: {row.request}") for row in table.rows()])
async def test_answers_as_the_platform_does(services: dict[str, Service], row: table.Row) -> None:
    answer = await asyncio.to_thread(table.ask, services[row.settings], row)
    assert table.shown(answer) == (row.instead or row.answer), answer.text
