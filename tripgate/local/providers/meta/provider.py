"""Meta as a provider of the house, and what tests do to it."""

# Evaluated annotations: pydantic reads them at run time.
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tripgate.local.providers.meta import pages, stock, wire
from tripgate.local.providers.meta.api import Api, new_wamid
from tripgate.local.providers.meta.phones import Phone, Phones, number_in
from tripgate.local.providers.meta.templates import Templates
from tripgate.local.providers.meta.webhooks import NAME, Plan, Webhooks
from tripgate.local.providers.provider import Lent, Provider


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)


class _Person(_Asked):
    """Somebody who shows their user name, and no number."""

    username: str = Field(pattern=r"^[a-z0-9._]{3,35}$")
    name: str = Field("Somebody", min_length=1, max_length=100)


class _Change(_Asked):
    """What is different about a phone from now on."""

    name: str | None = Field(None, min_length=1, max_length=100)
    username: str | None = Field(None, pattern=r"^[a-z0-9._]{3,35}$")
    undeliverable: bool | None = None
    stops_marketing: bool | None = None


class _Inbound(_Asked):
    """What somebody writes."""

    from_: str = Field(alias="from")
    text: str = Field(min_length=1, max_length=4096)
    context: str | None = None


class _NumberChange(_Asked):
    """Who takes which number."""

    from_: str = Field(alias="from")
    to: str


class _Look(_Asked):
    """Who looks at their phone."""

    number: str


class _Limits(_Asked):
    """How much may be sent."""

    pair_seconds: float = Field(6.0, ge=0, le=86_400)
    messages_per_second: int = Field(1000, ge=0, le=100_000)


class _Hook(_Asked):
    """Whom to tell, and the secret that signs it."""

    url: str
    secret: str = Field(min_length=1, max_length=200)


def create(lent: Lent) -> web.Application:
    """The application: the Graph API."""
    sender = lent.settings.get("WHATSAPP_PHONE_NUMBER_ID") or wire.PHONE_NUMBER_ID
    phones, templates, webhooks = Phones(), Templates(), Webhooks(lent, sender)
    app = web.Application(middlewares=[wire.middleware((pages.PATH,)), pages.middleware])
    api = Api(lent, phones, templates, webhooks, sender)
    api.add_to(app)
    pages.Pages(phones, api.write, webhooks.read).add_to(app)
    _Control(lent, api, phones, webhooks).add_to(lent.control)
    stock.fill(templates, webhooks, lent)
    lent.on_reset.extend((phones.forget, templates.forget, webhooks.forget, api.forget))
    lent.on_reset.append(lambda: stock.fill(templates, webhooks, lent))
    return app


class _Control:
    def __init__(self, lent: Lent, api: Api, phones: Phones, webhooks: Webhooks) -> None:
        self._lent = lent
        self._api = api
        self._phones = phones
        self._webhooks = webhooks

    def add_to(self, app: web.Application) -> None:
        routes: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "GET /phones": self.listed,
            "POST /phones": self.add,
            "GET /phones/{name}": self.phone,
            "POST /phones/{name}": self.change,
            "GET /messages": self.messages,
            "POST /inbound": self.inbound,
            "POST /read": self.read,
            "POST /number-change": self.change_number,
            "GET /plan": self.planned,
            "POST /plan": self.plan,
            "POST /flush": self.flush,
            "POST /limits": self.limits,
            "POST /webhook": self.hook,
        }
        for route, handler in routes.items():
            method, path = route.split()
            app.router.add_route(method, path, handler)

    async def listed(self, _: web.Request) -> web.Response:
        return web.json_response({"phones": [_short(each) for each in self._phones.all()]})

    async def add(self, request: web.Request) -> web.Response:
        asked = _Person.model_validate_json(await request.read())
        return web.json_response(self._phones.without_number(asked.username, asked.name).as_json(), status=201)

    async def phone(self, request: web.Request) -> web.Response:
        return web.json_response(self._phones.named(request.match_info["name"]).as_json())

    async def change(self, request: web.Request) -> web.Response:
        phone = self._phones.named(request.match_info["name"])
        asked = _Change.model_validate_json(await request.read())
        phone.name = asked.name or phone.name
        phone.username = asked.username or phone.username
        if asked.undeliverable is not None:
            phone.undeliverable = asked.undeliverable
        if asked.stops_marketing is not None and asked.stops_marketing != phone.stops_marketing:
            phone.stops_marketing = asked.stops_marketing
            self._webhooks.chose_marketing(phone)
        return web.json_response(phone.as_json())

    async def messages(self, _: web.Request) -> web.Response:
        """All that the business sent, for what sends thousands."""
        sent = [
            {"to": phone.number and f"+{phone.number}", "bsuid": phone.bsuid, **each.as_json()}
            for phone in self._phones.all()
            for each in phone.messages
            if not each.wrote
        ]
        return web.json_response({"messages": sent})

    async def inbound(self, request: web.Request) -> web.Response:
        asked = _Inbound.model_validate_json(await request.read())
        held = self._api.write(self._phones.named(asked.from_), asked.text, asked.context)
        return web.json_response({"wamid": held.wamid})

    async def read(self, request: web.Request) -> web.Response:
        asked = _Look.model_validate_json(await request.read())
        return web.json_response({"read": self._webhooks.read(self._phones.named(asked.number))})

    async def change_number(self, request: web.Request) -> web.Response:
        asked = _NumberChange.model_validate_json(await request.read())
        phone, number = self._phones.named(asked.from_), number_in(asked.to)
        if number is None:
            raise ValueError("to: a number with its country")
        before = phone.as_contact()
        self._phones.change_number(phone, number)
        self._webhooks.changed_number(phone, new_wamid(), before)
        return web.json_response(_short(phone))

    async def planned(self, _: web.Request) -> web.Response:
        return web.json_response(self._webhooks.plan.model_dump(by_alias=True))

    async def plan(self, request: web.Request) -> web.Response:
        self._webhooks.plan = Plan.model_validate_json(await request.read())
        return web.Response(status=204)

    async def flush(self, _: web.Request) -> web.Response:
        return web.json_response({"webhooks": self._webhooks.flush()})

    async def limits(self, request: web.Request) -> web.Response:
        asked = _Limits.model_validate_json(await request.read())
        self._api.pair_seconds, self._api.messages_per_second = asked.pair_seconds, asked.messages_per_second
        return web.Response(status=204)

    async def hook(self, request: web.Request) -> web.Response:
        asked = _Hook.model_validate_json(await request.read())
        self._webhooks.set_hook(asked.url, asked.secret)
        return web.Response(status=204)


def _short(phone: Phone) -> dict[str, Any]:
    return {**phone.as_json(), "messages": len(phone.messages)}


META = Provider(
    NAME,
    "WhatsApp",
    create,
    wire.error_response,
    {"WHATSAPP_API_BASE": "{base_url}"},
    key="WHATSAPP_ACCESS_TOKEN",
    page=pages.PATH,
    page_title="Phones",
)
