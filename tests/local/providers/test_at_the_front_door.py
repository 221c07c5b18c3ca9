"""The house in the embedded Supabase: at the API's port, for this machine alone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.local.providers.courier import COURIER
from tripgate.local import front_door
from tripgate.local.front_door_config import FrontDoorConfig

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tripgate.local.stack import StackInfo


async def test_the_page_is_open_and_the_control_wants_the_secret_key(
    http: aiohttp.ClientSession, running: StackInfo
) -> None:
    async with http.get(running.providers_url) as answer:
        assert answer.status == 200
        assert "Services outside" in await answer.text()
    control = f"{running.providers_url}/control/clock"
    for key, status in ((running.secret_key, 200), (running.publishable_key, 403), ("", 403)):
        async with http.get(control, headers={"apikey": key} if key else {}) as answer:
            assert answer.status == status
    # A person's token makes no other key of it.
    given = {"apikey": running.publishable_key, "Authorization": f"Bearer {running.secret_key}"}
    async with http.get(control, headers=given) as answer:
        assert answer.status == 403


async def test_pages_of_other_origins_read_nothing(http: aiohttp.ClientSession, running: StackInfo) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    for path in ("", "/entries", "/control/clock", "/nobody/v1"):
        async with http.get(running.providers_url + path, headers=origin) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "apikey"}
        async with http.options(running.providers_url + path, headers=asked) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_who_is_no_provider_is_not_there(http: aiohttp.ClientSession, running: StackInfo) -> None:
    async with http.get(f"{running.providers_url}/nobody/v1") as answer:
        assert answer.status == 404


def test_functions_learn_where_they_are(running: StackInfo, running_data_dir: Path) -> None:
    config = FrontDoorConfig.model_validate_json((running_data_dir / "config" / "front_door.json").read_text())
    app = front_door.create(config, [COURIER])
    assert app[front_door.HOUSE].variables() == {"COURIER_API_BASE": f"{running.api_url}/providers/courier/v1"}


def test_what_serves_knows_nothing_of_it() -> None:
    loaded = "import sys, tripgate.gateway.server; print([each for each in sys.modules if 'tripgate.local' in each])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
