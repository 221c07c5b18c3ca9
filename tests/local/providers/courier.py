"""A tiny provider: a courier that takes letters, delivers them after a day, and tells so by a signed webhook."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import itertools
import json

from aiohttp import web

from tripgate.local.providers.provider import Lent, Provider

SECRET = "whsec_of_the_courier"
DAY = datetime.timedelta(days=1)


def signature(body: bytes, at: int) -> str:
    """As the receiver computes it."""
    return hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def sign(body: bytes, now: datetime.datetime) -> dict[str, str]:
    """The headers of one webhook."""
    at = int(now.timestamp())
    return {"Content-Type": "application/json", "Courier-Signature": f"t={at},v1={signature(body, at)}"}


def create(lent: Lent) -> web.Application:
    """POST /letters {"to", "hook"} keeps a letter; GET /letters/<id> shows it; by control, all are lost."""
    letters: dict[int, dict[str, object]] = {}
    numbers = itertools.count(1)

    async def keep(request: web.Request) -> web.Response:
        asked = await request.json()
        number = next(numbers)
        letters[number] = {"id": number, "to": asked["to"], "delivered_at": None, "url": f"{lent.base_url}/{number}"}

        async def deliver() -> None:
            letters[number]["delivered_at"] = lent.clock.now().isoformat()
            body = json.dumps({"type": "letter.delivered", "letter": number}).encode()
            lent.deliveries.send("courier", asked["hook"], body, sign, label="letter.delivered", retries=(60, 3600))

        lent.clock.at(lent.clock.now() + DAY, deliver)
        return web.json_response(letters[number], status=201)

    async def show(request: web.Request) -> web.Response:
        letter = letters.get(int(request.match_info["id"]))
        return no_error(404) if letter is None else web.json_response(letter)

    async def pages(_: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/elsewhere")

    async def lose(_: web.Request) -> web.Response:
        letters.clear()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/letters", keep)
    app.router.add_get(r"/letters/{id:\d+}", show)
    app.router.add_get("/track", pages)
    lent.control.router.add_post("/lose", lose)
    lent.on_reset.append(letters.clear)
    return app


def no_error(status: int) -> web.Response:
    """The courier's words."""
    return web.json_response({"courier_error": {"status": status}}, status=status)


COURIER = Provider("courier", "The courier", create, no_error, {"COURIER_API_BASE": "{base_url}/v1"})
