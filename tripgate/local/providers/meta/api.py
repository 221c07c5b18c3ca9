"""The routes of the Graph API: messages, and templates."""

from __future__ import annotations

import base64
import datetime
import re
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tripgate.local.providers.meta.phones import Held, Phone, Phones
from tripgate.local.providers.meta.request import Outgoing, outgoing
from tripgate.local.providers.meta.templates import MOST_TEMPLATES
from tripgate.local.providers.meta.wire import BUSINESS_ID, WireError, body_of, no_object

if TYPE_CHECKING:
    from tripgate.local.providers.meta.templates import Templates
    from tripgate.local.providers.meta.webhooks import Webhooks
    from tripgate.local.providers.provider import Lent

WINDOW = datetime.timedelta(hours=24)
PAIR_SECONDS = 6.0
# Of a number whose throughput was raised; one that was not has 80.
MESSAGES_PER_SECOND = 1000
_VERSION = r"{version:v\d{1,3}\.\d{1,2}}"
_MOST_LISTED = 1000


class Api:
    """Sends messages to phones, and keeps templates.

    Attributes:
        pair_seconds: Between two messages to one person.
        messages_per_second: To all.
    """

    def __init__(self, lent: Lent, phones: Phones, templates: Templates, webhooks: Webhooks, sender: str) -> None:
        self._lent = lent
        self._phones = phones
        self._templates = templates
        self._webhooks = webhooks
        self._sender = sender
        self._second, self._this_second = 0, 0
        self.pair_seconds = PAIR_SECONDS
        self.messages_per_second = MESSAGES_PER_SECOND

    def add_to(self, app: web.Application) -> None:
        """Serve the routes."""
        app.router.add_post(f"/{_VERSION}/{{id}}/messages", self.send)
        app.router.add_post(f"/{_VERSION}/{{id}}/register", self.register_number)
        app.router.add_post(f"/{_VERSION}/{{id}}/subscribed_apps", self.subscribe)
        app.router.add_get(f"/{_VERSION}/{{id}}/message_templates", self.list_templates)
        app.router.add_post(f"/{_VERSION}/{{id}}/message_templates", self.register)
        app.router.add_delete(f"/{_VERSION}/{{id}}/message_templates", self.remove)

    def forget(self) -> None:
        """Be as at the start."""
        self._second, self._this_second = 0, 0
        self.pair_seconds, self.messages_per_second = PAIR_SECONDS, MESSAGES_PER_SECOND

    async def send(self, request: web.Request) -> web.Response:
        """`POST /<version>/<phone number id>/messages`."""
        if request.match_info["id"] != self._sender:
            raise no_object(request.match_info["id"])
        body = await body_of(request)
        if body.get("status") == "read":
            return self._mark_read(body)
        asked = outgoing(body, self._templates)
        phone = self._phones.of(asked.number, asked.bsuid)
        if phone is None:
            raise WireError(131026, "Nobody has this ID.")
        self._throttle(phone)
        refusal = self._refusal(phone, asked)
        if refusal is not None and self._webhooks.plan.refusals == "answer":
            raise refusal
        held = self._held(phone, asked)
        phone.free_at = self._lent.clock.now() + datetime.timedelta(seconds=self.pair_seconds)
        if refusal is None:
            phone.hold(held)
        following = self._webhooks.follow(phone, held, refusal)
        if self._webhooks.plan.before_reply:
            await following
        else:
            self._lent.deliveries.begin(following)
        return web.json_response(_accepted(phone, asked, held))

    async def register_number(self, request: web.Request) -> web.Response:
        """`POST /<version>/<phone number id>/register`: it is registered from the start."""
        if request.match_info["id"] != self._sender:
            raise no_object(request.match_info["id"])
        body = await body_of(request)
        if body.get("messaging_product") != "whatsapp" or not re.fullmatch(r"[0-9]{6}", str(body.get("pin"))):
            raise WireError(100, "A registration has messaging_product and a pin of six digits.")
        return web.json_response({"success": True})

    async def subscribe(self, request: web.Request) -> web.Response:
        """`POST /<version>/<business account id>/subscribed_apps`: it is told of everything from the start."""
        _of_the_business(request)
        return web.json_response({"success": True})

    async def list_templates(self, request: web.Request) -> web.Response:
        """`GET /<version>/<business account id>/message_templates?name=&limit=&after=`."""
        _of_the_business(request, posts=False)
        found = list(self._templates.all(request.query.get("name")))
        limit, after = request.query.get("limit", "25"), request.query.get("after", "0")
        if not re.fullmatch(r"\d{1,6}", limit) or not re.fullmatch(r"\d{1,6}", after):
            raise WireError(100, "limit and after are numbers.")
        start, size = int(after), min(max(int(limit), 1), _MOST_LISTED)
        answer: dict[str, Any] = {"data": [each.as_json() for each in found[start : start + size]]}
        counts = {
            "total_count": len(found),
            "message_template_count": len({each.name for each in found}),
            "message_template_limit": MOST_TEMPLATES,
            "are_translations_complete": True,
        }
        summary = {name: counts[name] for name in request.query.get("summary", "").split(",") if name in counts}
        if summary:
            answer["summary"] = summary
        if answer["data"]:
            answer["paging"] = {"cursors": {"before": str(start), "after": str(start + len(answer["data"]))}}
        if start + size < len(found):
            url = f"{self._lent.base_url}{request.path.removeprefix('/providers/meta')}"
            answer["paging"]["next"] = f"{url}?limit={size}&after={start + size}"
        return web.json_response(answer)

    async def register(self, request: web.Request) -> web.Response:
        """`POST /<version>/<business account id>/message_templates`: approved at once."""
        _of_the_business(request)
        template = self._templates.register(await body_of(request))
        return web.json_response({"id": template.id, "status": template.status, "category": template.category})

    async def remove(self, request: web.Request) -> web.Response:
        """`DELETE /<version>/<business account id>/message_templates?name=`."""
        _of_the_business(request)
        self._templates.remove(request.query.get("name", ""))
        return web.json_response({"success": True})

    def write(self, phone: Phone, text: str, context: str | None = None) -> Held:
        """Somebody writes to the business, and so opens its window."""
        now = self._lent.clock.now()
        phone.last_inbound = now
        held = Held(new_wamid(), text, now, wrote=True, context=context, standing="received")
        phone.hold(held)
        self._webhooks.wrote(phone, held)
        return held

    def _mark_read(self, body: dict[str, Any]) -> web.Response:
        """The business has read what somebody wrote."""
        wamid = body.get("message_id")
        found = (each for phone in self._phones.all() for each in phone.messages if each.wrote and each.wamid == wamid)
        if next(found, None) is None:
            raise WireError(131009, "message_id is of no message that somebody wrote.")
        return web.json_response({"success": True})

    def _throttle(self, phone: Phone) -> None:
        """Raises WireError where this is one message too many."""
        now = self._lent.clock.now()
        second = int(now.timestamp())
        if second != self._second:
            self._second, self._this_second = second, 0
        self._this_second += 1
        if self._this_second > self.messages_per_second:
            raise WireError(130429, "Too many messages were sent from this number within a second.")
        if phone.free_at is not None and now < phone.free_at:
            raise WireError(131056, "Too many messages were sent to this person within a short time.")

    def _refusal(self, phone: Phone, asked: Outgoing) -> WireError | None:
        """Why it does not reach them, where that is so."""
        if phone.undeliverable:
            return WireError(131026, "Unable to deliver message.")
        if asked.template is None and not self._is_open(phone):
            return WireError(131047, "More than 24 hours have passed since the recipient last replied to this number.")
        if asked.template is not None and asked.template.category == "MARKETING" and phone.stops_marketing:
            return WireError(131050)
        return None

    def _is_open(self, phone: Phone) -> bool:
        return phone.last_inbound is not None and self._lent.clock.now() - phone.last_inbound < WINDOW

    def _held(self, phone: Phone, asked: Outgoing) -> Held:
        category = "service" if asked.template is None else asked.template.category.lower()
        is_free = category == "service" or (category == "utility" and self._is_open(phone))
        pricing = {
            "billable": not is_free,
            "pricing_model": "PMP",
            "category": category,
            "type": "free_customer_service" if is_free else "regular",
        }
        name = None if asked.template is None else asked.template.name
        now = self._lent.clock.now()
        return Held(
            new_wamid(), asked.text, now, template=name, callback=asked.callback, context=asked.context, pricing=pricing
        )


def new_wamid() -> str:
    """An id as Meta gives them."""
    return f"wamid.{base64.b64encode(secrets.token_bytes(36)).decode()}"


def _accepted(phone: Phone, asked: Outgoing, held: Held) -> dict[str, Any]:
    contact: dict[str, Any] = {"input": asked.given}
    if asked.number is not None:
        contact["wa_id"] = asked.number
    else:
        contact["user_id"] = phone.bsuid
    message = {"id": held.wamid, **({} if held.template is None else {"message_status": "accepted"})}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def _of_the_business(request: web.Request, *, posts: bool = True) -> None:
    if request.match_info["id"] != BUSINESS_ID:
        raise no_object(request.match_info["id"], posts=posts)
