"""The models' provider as a provider of the house, and what tests do to it."""

# Evaluated annotations: pydantic reads them at run time.

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tripgate.local.providers.ai import wire
from tripgate.local.providers.ai.api import Api
from tripgate.local.providers.ai.scripts import Script, Scripts
from tripgate.local.providers.ai.tally import Tally
from tripgate.local.providers.provider import Lent, Provider

_SCRIPTS = TypeAdapter(list[Script])


class _Hold(BaseModel):
    """Whether calls wait."""

    model_config = ConfigDict(strict=True, extra="forbid")

    hold: bool


def create(lent: Lent) -> web.Application:
    """The application: the API below `/v1`."""
    scripts, tally = Scripts(), Tally()
    api = Api(scripts, tally, lent.clock)
    app = web.Application(middlewares=[wire.middleware])
    api.add_to(app)

    async def add(request: web.Request) -> web.Response:
        return web.json_response({"numbers": scripts.add(_SCRIPTS.validate_json(await request.read()))})

    async def listed(_: web.Request) -> web.Response:
        return web.json_response({"scripts": scripts.as_json()})

    async def remove(_: web.Request) -> web.Response:
        scripts.empty()
        return web.Response(status=204)

    async def calls(request: web.Request) -> web.Response:
        return web.json_response(tally.as_json(request.query.get("run")))

    async def forget(_: web.Request) -> web.Response:
        tally.empty()
        return web.Response(status=204)

    async def hold(request: web.Request) -> web.Response:
        asked = _Hold.model_validate_json(await request.read())
        (api.hold.clear if asked.hold else api.hold.set)()
        return web.Response(status=204)

    lent.control.router.add_post("/scripts", add)
    lent.control.router.add_get("/scripts", listed)
    lent.control.router.add_delete("/scripts", remove)
    lent.control.router.add_get("/calls", calls)
    lent.control.router.add_delete("/calls", forget)
    lent.control.router.add_post("/hold", hold)
    lent.on_reset.append(api.forget)
    return app


# The service reads what no model has room for, and refuses it as such.
_MAX_BODY = 32 * 1024**2
AI = Provider(
    "ai", "OpenAI", create, wire.error_response, {"AI_BASE_URL": "{base_url}/v1"}, key="AI_API_KEY", max_body=_MAX_BODY
)
