"""What is answered where an application serves nothing: a JSON error that names the paths there are."""

from aiohttp import web, web_urldispatcher

from gql.errors import ErrorCode
from tripgate.gateway.edge.request_handler import json_response


class NoPathError(web.HTTPNotFound):
    """404 for a request whose target is no path, as those of `OPTIONS *` and `CONNECT`, for which there is no route."""

    def __init__(self) -> None:
        refusal = json_response(404, [_error("The target of this request is no path, as /graphql is.")])
        super().__init__(headers=refusal.headers, text=refusal.text)


# aiohttp's own says so in plain text, and there is no setting for it.
web_urldispatcher.HTTPNotFound = NoPathError  # type: ignore[attr-defined, assignment]


def answer_unknown_paths(app: web.Application) -> None:
    """Answer whatever no route takes; to be called once all others have been added.

    404 for a path, which is repeated nowhere; 405 for a method of one that is there.
    """

    async def unknown(request: web.Request) -> web.Response:
        methods = _methods(app, request.path)
        if methods:
            allowed = ", ".join(methods)
            message = f"This path takes {allowed}."
            return json_response(405, [_error(message)], Allow=allowed)
        return not_found(app)

    app.router.add_route("*", "/{path:.*}", unknown)


def not_found(app: web.Application) -> web.Response:
    """404, with the paths that there are."""
    paths = ", ".join(sorted({path for path in _paths(app) if "{" not in path}))
    return json_response(404, [_error(f"There is nothing at this path. There are: {paths}.")])


def _methods(app: web.Application, path: str) -> list[str]:
    return sorted({route.method for route in app.router.routes() if _canonical(route) == path} - {"*"})


def _paths(app: web.Application) -> set[str]:
    return {_canonical(route) for route in app.router.routes()}


def _canonical(route: web.AbstractRoute) -> str:
    return route.resource.canonical if route.resource is not None else ""


def _error(message: str) -> dict[str, object]:
    return {"message": message, "extensions": {"code": ErrorCode.BAD_REQUEST.value}}
