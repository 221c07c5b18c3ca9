"""`/providers` at the front door: the faked services, their page, and their control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from tripgate.hosts import named
from tripgate.local.providers import control, page
from tripgate.local.providers.house import PREFIX, House

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohttp.typedefs import Handler, Middleware


def add_to(app: web.Application, house: House, secret_key: str) -> None:
    """Serve the house."""
    page.add_to(app, house)
    house.add_to(app)
    app.add_subapp(f"{PREFIX}/control", control.create(house, secret_key))


def is_of_the_house(path: str) -> bool:
    """Whether a path is below `/providers`."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def only_by_its_names(names: Collection[str]) -> Middleware:
    """Refuse the house to who names another host than this machine: what is sent holds codes and links.

    Args:
        names: Of this machine, beside localhost and addresses.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_of_the_house(request.path) or named(request.headers.get(hdrs.HOST), names):
            return await handler(request)
        message = (
            "The faked services answer at localhost or an IP address. This is another name: add it to "
            "TRIPGATE_DEVELOPMENT_HOSTS."
        )
        return web.json_response({"message": message}, status=421)

    return check
