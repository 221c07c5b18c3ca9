"""Stock clients whose token has ended refresh the session as they document it, sending the old token along."""

import time
from collections.abc import AsyncIterator

import jwt
import pytest

from tests.support import Person, serving
from tests.tooling.deno import FRONTEND
from tests.tooling.test_caches import printed
from tripgate.local.stack import StackInfo

SECRET = "a secret that only this test's gateway knows"


@pytest.fixture(scope="module")
async def address(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway whose tokens the test can make."""
    async with serving(seeded, SUPABASE_JWT_SECRET=SECRET) as url:
        yield url


@pytest.fixture(params=["expired", "broken"])
def ended(request: pytest.FixtureRequest, seeded: StackInfo, newcomer: Person) -> str:
    """A token of the newcomer's that is not accepted any more, or never was."""
    if request.param == "broken":
        return "nonsense"
    claims = {
        "iss": f"{seeded.api_url}/auth/v1",
        "sub": newcomer.id,
        "aud": "authenticated",
        "role": "authenticated",
        "exp": time.time() - 60,
    }
    return jwt.encode(claims, SECRET, "HS256")


@pytest.mark.parametrize("client", ["urql", "apollo"])
async def test_a_session_is_refreshed_once_and_what_failed_is_asked_again(
    newcomer: Person, address: str, ended: str, client: str
) -> None:
    found = await printed(FRONTEND, f"sessions/{client}.js", address, ended, str(newcomer.refresh_token))
    (viewer, trips) = found["data"]
    assert viewer["viewer"]["id"] == newcomer.id
    assert trips["trips"]["totalCount"] == 0
    assert found["errors"] == []
    # The refresh itself went with the old token.
    assert sorted(found["asked"][:2]) == [["Trips", "old"], ["Viewer", "old"]]
    assert found["asked"][2] == ["Refresh", "old"]
    assert sorted(found["asked"][3:]) == [["Trips", "new"], ["Viewer", "new"]]


@pytest.mark.parametrize("mode", ["lazy", "open"])
async def test_a_websocket_alone_is_enough(newcomer: Person, address: str, ended: str, mode: str) -> None:
    script = "sessions/websocket.js"
    found = await printed(FRONTEND, script, address, ended, str(newcomer.refresh_token), mode)
    # One that is kept open is told the new token by a ping.
    assert (found.pop("connections") == 1) is (mode == "open")
    assert found == {
        "data": [{"viewer": {"id": newcomer.id}}, {"trips": {"totalCount": 0}}],
        "errors": [],
        "asked": [["Viewer", "old"], ["Refresh", "old"], ["Viewer", "new"], ["Trips", "new"]],
    }
