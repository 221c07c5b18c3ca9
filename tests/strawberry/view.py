"""An ASGI application without a gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from resolvers.context import Context
from tripgate.gateway.contexts import contexts
from tripgate.gateway.schema import build_schema
from tripgate.gateway.settings import Settings
from tripgate.gateway.within_limits import within_limits


class View(GraphQL[Context, None]):
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        context: Context = await request.app.state.context_of(request.headers.get("Authorization"))
        return context


def application(settings: Settings) -> Starlette:
    @asynccontextmanager
    async def clients(app: Starlette) -> AsyncIterator[None]:
        async with contexts(settings) as app.state.context_of:
            yield

    app = Starlette(lifespan=clients)
    app.mount("/graphql", View(build_schema(extensions=[within_limits(settings)])))
    return app
