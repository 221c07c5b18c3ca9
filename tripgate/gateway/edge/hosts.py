"""In development: no request by a name that is not this machine's, whatever it asks for."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gql.errors import ErrorCode
from tripgate.gateway.edge.request_handler import json_response
from tripgate.hosts import named

# They say nothing that anybody could want, and probes name the pod or the service.
_OPEN = frozenset({"/healthz", "/readyz"})
_MESSAGE = (
    "In development this gateway is asked by localhost or an IP address. This is another name: add it to "
    "TRIPGATE_DEVELOPMENT_HOSTS."
)


def only_by_its_names(*names: str) -> Middleware:
    """Refuse what names a host that is not this machine: 421.

    Args:
        names: Of this machine, beside localhost and addresses.
    """
    known = frozenset(name.lower() for name in names)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if named(request.headers.get("Host"), known) or request.path in _OPEN:
            return await handler(request)
        return json_response(421, [{"message": _MESSAGE, "extensions": {"code": ErrorCode.BAD_REQUEST.value}}])

    return check
