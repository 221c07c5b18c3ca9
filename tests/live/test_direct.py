"""Those who join a trip's topic themselves, past the gateway: when the platform asks again whether they may.

It asks when a topic is joined and when its token changes, and keeps the answer until then: so at the latest when the
token that was joined with ends.
"""

from tests.live.conftest import Party
from tests.live.direct import direct
from tests.live.test_changes import rename

REFRESH = "mutation ($token: String!) { refreshSession(refreshToken: $token) { session { accessToken } } }"


def remove(party: Party) -> None:
    party.sql("delete from public.collaborators where user_id = %s", party.editor.id)


async def test_a_removed_collaborator_is_shed_as_soon_as_the_platform_asks_again(party: Party) -> None:
    fresh = (await party.editor.ask(REFRESH, token=party.editor.refresh_token))["refreshSession"]["session"]
    async with direct(party, party.editor) as client:
        remove(party)
        assert (await client.until("broadcast"))["payload"]["operation"] == "DELETE"
        # As docs/security.md says under What remains: until then it is let be.
        await rename(party, "Still heard")
        assert (await client.until("broadcast"))["payload"]["record"]["title"] == "Still heard"

        await client.tell("access_token", {"access_token": fresh["accessToken"]})
        assert (await client.until("system"))["status"] == "error"
        await client.until("phx_close")
        await rename(party, "No more")
        assert (await client.join(fresh["accessToken"]))["status"] == "error"
        assert (await client.join(party.editor.token))["status"] == "error"


async def test_a_removed_collaborator_is_not_let_in_again_with_the_token_of_before(party: Party) -> None:
    async with direct(party, party.editor):
        pass
    remove(party)
    async with direct(party, party.owner) as client:
        assert (await client.ask("phx_leave", {}))["status"] == "ok"
        assert (await client.join(party.editor.token))["status"] == "error"
