"""A caller's context for whatever runs the schema without the gateway: a script, a test, a stock view of Strawberry's.

```python
async with contexts(settings) as of:  # once a process
    context = await of(f"Bearer {token}")  # once a request
    result = await schema().execute("{ trips(first: 1) { nodes { id } } }", context_value=context)
```

Row level security decides here as it does in the gateway. What the gateway does around a request, limits of documents,
rates, deadlines and caching among it, is not in a context.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from resolvers.context import Context
from tripgate.gateway.settings import Settings
from tripgate.gateway.upstreams import open_upstreams

ContextOf = Callable[[str | None], Awaitable[Context]]
"""From an Authorization header to the context of whoever it speaks for; `None` for anonymous.

It raises nothing: under a token that is not accepted, or cannot be verified, operations are answered with the refusal
(`UNAUTHENTICATED`, `UPSTREAM_UNAVAILABLE`), but for those that need nobody, as `refreshSession` does.
"""


@asynccontextmanager
async def contexts(settings: Settings) -> AsyncIterator[ContextOf]:
    """What makes contexts over clients of the project that the settings name; they close when it is left."""
    async with open_upstreams(settings) as upstreams:

        async def of(authorization: str | None) -> Context:
            return Context(
                await upstreams.identity.caller_or_anonymous(authorization),
                upstreams.backend,
                upstreams.auth,
                upstreams.functions,
                settings.max_page_size,
                upstreams.relay,
                storage=upstreams.storage,
            )

        yield of


@asynccontextmanager
async def context_for(settings: Settings, token: str | None = None) -> AsyncIterator[Context]:
    """One caller's context, by their access token, with clients of its own; for a script.

    Raises:
        ApiError: UNAUTHENTICATED for a token that is not accepted; UPSTREAM_UNAVAILABLE without the signing keys.
    """
    async with contexts(settings) as of:
        context = await of(None if token is None else f"Bearer {token}")
        if context.caller.refusal is not None:
            raise context.caller.refusal
        yield context
