"""The paths of the API that are there."""

from __future__ import annotations

import copy
import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tripgate.local.providers.stripe import configurations
from tripgate.local.providers.stripe.billing import ENDED
from tripgate.local.providers.stripe.items import only_item
from tripgate.local.providers.stripe.store import flag, whole
from tripgate.local.providers.stripe.wire import API_VERSION, PARAMETERS, StripeError

if TYPE_CHECKING:
    from tripgate.local.providers.stripe.billing import Billing
    from tripgate.local.providers.stripe.checkout import Checkout
    from tripgate.local.providers.stripe.portal import Portal
    from tripgate.local.providers.stripe.store import Store, Thing

MAX_METADATA = 50
_SEARCHED = re.compile(r"""metadata\[["'](\w+)["']\]:["']([^"']*)["']""")
INTERVALS = ("day", "week", "month", "year")


class Api:
    """Handlers; what they refuse they raise as StripeError."""

    def __init__(self, store: Store, billing: Billing, checkout: Checkout, portal: Portal) -> None:
        self._store = store
        self._billing = billing
        self._checkout = checkout
        self._portal = portal
        # Ids of customers who were.
        self._deleted: set[str] = set()

    def forget(self) -> None:
        """Who was deleted."""
        self._deleted.clear()

    def add_to(self, app: web.Application) -> None:
        """Serve below `/v1`."""
        router = app.router
        router.add_get("/v1/customers/search", self.search_customers)
        router.add_get("/v1/customers/{id}", self.show_customer)
        for path, kind, filters in (
            ("products", "product", ("active",)),
            ("prices", "price", ("active", "product", "currency", "lookup_keys")),
            ("customers", "customer", ("email", "created")),
            ("subscriptions", "subscription", ("customer", "status", "created")),
            ("invoices", "invoice", ("customer", "status", "subscription", "created")),
            ("invoice_payments", "invoice_payment", ("invoice", "status", "payment")),
            ("payment_intents", "payment_intent", ("customer", "created")),
            ("charges", "charge", ("customer", "payment_intent", "created")),
            ("refunds", "refund", ("charge", "payment_intent", "created")),
            ("events", "event", ("type", "types", "created")),
            ("webhook_endpoints", "webhook_endpoint", ()),
            ("subscription_schedules", "subscription_schedule", ("customer",)),
            ("billing_portal/configurations", configurations.KIND, ("active", "is_default")),
        ):
            router.add_get(f"/v1/{path}", self._listing(kind, f"/v1/{path}", filters))
            router.add_get(f"/v1/{path}/{{id}}", self._showing(kind))
        router.add_get("/v1/checkout/sessions", self._listing("checkout.session", "/v1/checkout/sessions", (
            "customer", "status", "subscription", "created",
        )))  # fmt: skip
        router.add_get("/v1/checkout/sessions/{id}", self._showing("checkout.session"))
        for path, handler in (
            ("products", self.new_product),
            ("prices", self.new_price),
            ("prices/{id}", self.change_price),
            ("customers", self.new_customer),
            ("customers/{id}", self.change_customer),
            ("subscriptions/{id}", self.change_subscription),
            ("invoices/{id}/pay", self.pay_invoice),
            ("invoices/{id}/void", self.void_invoice),
            ("invoices/{id}/mark_uncollectible", self.give_invoice_up),
            ("checkout/sessions", self.new_session),
            ("checkout/sessions/{id}/expire", self.expire_session),
            ("webhook_endpoints", self.new_endpoint),
            ("refunds", self.new_refund),
            ("billing_portal/sessions", self.new_portal_session),
            ("billing_portal/configurations", self.new_configuration),
            ("billing_portal/configurations/{id}", self.change_configuration),
        ):
            router.add_post(f"/v1/{path}", handler)
        router.add_delete("/v1/customers/{id}", self.delete_customer)
        router.add_delete("/v1/subscriptions/{id}", self.cancel_subscription)
        router.add_delete("/v1/webhook_endpoints/{id}", self.delete_endpoint)

    def _listing(self, kind: str, url: str, filters: tuple[str, ...]) -> Any:
        async def listing(request: web.Request) -> web.Response:
            asked = _asked(request, *filters, "limit", "starting_after", "ending_before")
            return web.json_response(self._store.page(kind, url, asked, filters))

        return listing

    def _showing(self, kind: str) -> Any:
        async def showing(request: web.Request) -> web.Response:
            return self._answer(request, self._store.get(kind, request.match_info["id"]))

        return showing

    def _answer(self, request: web.Request, thing: Thing) -> web.Response:
        return web.Response(
            body=json.dumps(self._store.shown(thing, request[PARAMETERS])).encode(), content_type="application/json"
        )

    async def new_product(self, request: web.Request) -> web.Response:
        asked = _asked(request, "name", "description", "metadata", "active", needs=("name",))
        return self._answer(request, self._store.add(
            "prod",
            "product",
            active=True,
            default_price=None,
            description=asked.get("description"),
            images=[],
            metadata=_metadata(asked),
            name=asked["name"],
            type="service",
            updated=self._store.now(),
            url=None,
        ))  # fmt: skip

    async def new_price(self, request: web.Request) -> web.Response:
        asked = _asked(
            request, "currency", "unit_amount", "product", "recurring", "nickname", "lookup_key", "metadata",
            needs=("currency", "unit_amount", "product"),
        )  # fmt: skip
        product = self._store.get("product", asked["product"], "product")
        recurring = asked.get("recurring")
        if recurring is not None and recurring.get("interval") not in INTERVALS:
            raise StripeError(
                f"Invalid recurring[interval]: must be one of {', '.join(INTERVALS)}", param="recurring[interval]"
            )
        currency = str(asked["currency"])
        if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
            raise StripeError(f"Invalid currency: {currency[:20]}.", param="currency")
        amount = whole(asked["unit_amount"], "unit_amount", 0, 99_999_999)
        return self._answer(request, self._store.add(
            "price",
            "price",
            active=True,
            billing_scheme="per_unit",
            currency=currency.lower(),
            lookup_key=asked.get("lookup_key"),
            metadata=_metadata(asked),
            nickname=asked.get("nickname"),
            product=product["id"],
            recurring=None if recurring is None else {
                "interval": recurring["interval"],
                "interval_count": whole(recurring.get("interval_count", "1"), "recurring[interval_count]", 1, 36),
                "meter": None,
                "usage_type": "licensed",
            },
            tax_behavior="unspecified",
            type="one_time" if recurring is None else "recurring",
            unit_amount=amount,
            unit_amount_decimal=str(amount),
        ))  # fmt: skip

    async def change_price(self, request: web.Request) -> web.Response:
        """What it is called; its amount never changes."""
        price = self._store.get("price", request.match_info["id"])
        asked = _asked(request, "nickname", "lookup_key", "transfer_lookup_key", "metadata", "active")
        if key := asked.get("lookup_key"):
            for other in self._store.all("price"):
                if other["lookup_key"] == key and other is not price:
                    if asked.get("transfer_lookup_key") != "true":
                        raise StripeError(f"A price already uses that lookup key: {key[:50]}", param="lookup_key")
                    other["lookup_key"] = None
        price.update({name: asked[name] or None for name in ("nickname", "lookup_key") if name in asked})
        if "active" in asked:
            price["active"] = flag(asked["active"], "active")
        _change_metadata(price, asked)
        # Subscriptions have the price as it is.
        for subscription in self._store.all("subscription"):
            item = only_item(subscription)
            item["price"] = copy.deepcopy(self._store.get("price", item["price"]["id"]))
        self._store.tell("price.updated", price)
        return self._answer(request, price)

    async def new_customer(self, request: web.Request) -> web.Response:
        asked = _asked(request, "email", "name", "description", "phone", "metadata")
        customer = self._store.add(
            "cus",
            "customer",
            address=None,
            balance=0,
            currency=None,
            delinquent=False,
            description=asked.get("description"),
            email=asked.get("email"),
            invoice_prefix=secrets.token_hex(4).upper(),
            invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None},
            metadata=_metadata(asked),
            name=asked.get("name"),
            next_invoice_sequence=1,
            phone=asked.get("phone"),
            preferred_locales=[],
            shipping=None,
            tax_exempt="none",
            test_clock=None,
        )
        self._store.tell("customer.created", customer)
        return self._answer(request, customer)

    async def show_customer(self, request: web.Request) -> web.Response:
        """Of one who was deleted it is said that they are."""
        given = request.match_info["id"]
        if given in self._deleted:
            return web.json_response({"id": given, "object": "customer", "deleted": True})
        return self._answer(request, self._store.get("customer", given))

    async def search_customers(self, request: web.Request) -> web.Response:
        """By one key of metadata: `metadata["user_id"]:"…"`."""
        asked = _asked(request, "query", "limit", "page", needs=("query",))
        wanted = _SEARCHED.fullmatch(str(asked["query"]).strip())
        if wanted is None:
            raise StripeError("The fake searches by one key of metadata alone.", param="query")
        name, value = wanted.groups()
        found = [each for each in self._store.all("customer") if each["metadata"].get(name) == value]
        limit = whole(asked.get("limit", "10"), "limit", 1, 100)
        page = {"object": "search_result", "url": "/v1/customers/search", "has_more": False, "data": found[:limit]}
        return web.json_response(self._store.shown({**page, "next_page": None}, asked))

    async def change_customer(self, request: web.Request) -> web.Response:
        customer = self._store.get("customer", request.match_info["id"])
        asked = _asked(request, "email", "name", "description", "phone", "metadata")
        before = copy.deepcopy(customer)
        customer.update(
            {name: asked[name] or None for name in ("email", "name", "description", "phone") if name in asked}
        )
        _change_metadata(customer, asked)
        self._store.tell("customer.updated", customer, before)
        return self._answer(request, customer)

    async def delete_customer(self, request: web.Request) -> web.Response:
        customer = self._store.get("customer", request.match_info["id"])
        for subscription in self._store.all("subscription"):
            if subscription["customer"] == customer["id"] and subscription["status"] not in ENDED:
                self._billing.cancel(subscription, "cancellation_requested")
        self._store.remove(customer)
        for session in self._store.all("checkout.session"):
            if session["customer"] == customer["id"] and session["status"] == "open":
                self._checkout.expire(session)
        self._deleted.add(customer["id"])
        self._store.tell("customer.deleted", customer)
        return web.json_response({"id": customer["id"], "object": "customer", "deleted": True})

    async def change_subscription(self, request: web.Request) -> web.Response:
        subscription = self._store.get("subscription", request.match_info["id"])
        asked = _asked(request, "cancel_at_period_end", "items", "metadata", "proration_behavior")
        if subscription["status"] in ENDED:
            raise StripeError("A canceled subscription can only update its cancellation_details and metadata.")
        if subscription["schedule"] is not None and {"cancel_at_period_end", "items"} & asked.keys():
            raise StripeError(
                f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating "
                "it directly is not allowed. Please update the schedule instead."
            )
        before = copy.deepcopy(subscription)
        if "cancel_at_period_end" in asked:
            self._billing.cancel_at_end(subscription, flag(asked["cancel_at_period_end"], "cancel_at_period_end"))
        if "items" in asked:
            self._change_item(subscription, asked)
        _change_metadata(subscription, asked)
        self._store.tell("customer.subscription.updated", subscription, before)
        return self._answer(request, subscription)

    def _change_item(self, subscription: Thing, asked: Thing) -> None:
        (item,) = subscription["items"]["data"]
        wanted = asked["items"]
        if not isinstance(wanted, list) or len(wanted) != 1 or wanted[0].get("id") != item["id"]:
            raise StripeError("The fake changes the one item of a subscription: give items[0][id].", param="items")
        price = self._store.get("price", wanted[0].get("price", item["price"]["id"]), "items[0][price]")
        if price["recurring"] is None:
            raise StripeError("The price specified is set to `type=one_time`.", param="items[0][price]")
        quantity = whole(wanted[0].get("quantity", item["quantity"]), "items[0][quantity]", 1, 10_000)
        behavior = asked.get("proration_behavior", "create_prorations")
        if behavior not in {"create_prorations", "always_invoice", "none"}:
            raise StripeError(f"Invalid proration_behavior: {behavior}", param="proration_behavior")
        self._billing.change_price(subscription, price, quantity, behavior)

    async def cancel_subscription(self, request: web.Request) -> web.Response:
        subscription = self._store.get("subscription", request.match_info["id"])
        self._billing.cancel(subscription, "cancellation_requested")
        return self._answer(request, subscription)

    async def pay_invoice(self, request: web.Request) -> web.Response:
        invoice = self._store.get("invoice", request.match_info["id"])
        self._billing.pay(invoice)
        return self._answer(request, invoice)

    async def void_invoice(self, request: web.Request) -> web.Response:
        invoice = self._store.get("invoice", request.match_info["id"])
        self._billing.close(invoice, "void")
        return self._answer(request, invoice)

    async def give_invoice_up(self, request: web.Request) -> web.Response:
        invoice = self._store.get("invoice", request.match_info["id"])
        self._billing.close(invoice, "uncollectible")
        return self._answer(request, invoice)

    async def new_session(self, request: web.Request) -> web.Response:
        asked = _asked(
            request, "mode", "customer", "line_items", "success_url", "cancel_url", "client_reference_id", "metadata",
            "subscription_data", "expires_at", "locale", "allow_promotion_codes", "payment_method_types",
            needs=("mode", "line_items", "customer"),
        )  # fmt: skip
        return self._answer(request, self._checkout.begin(asked, _metadata(asked)))

    async def new_refund(self, request: web.Request) -> web.Response:
        asked = _asked(request, "payment_intent", "charge", "amount", "reason", "metadata")
        intent = asked.get("payment_intent")
        if intent is None:
            intent = self._store.get("charge", asked.get("charge"), "charge")["payment_intent"]
        paid = self._store.get("payment_intent", intent, "payment_intent")
        amount = whole(asked["amount"], "amount", 1, 99_999_999) if "amount" in asked else None
        return self._answer(request, self._billing.refund(paid, amount, _metadata(asked), asked.get("reason")))

    async def new_portal_session(self, request: web.Request) -> web.Response:
        asked = _asked(request, "customer", "return_url", "configuration", "locale", needs=("customer",))
        customer = self._store.get("customer", asked["customer"], "customer")
        return self._answer(request, self._portal.begin(customer, asked.get("return_url")))

    async def new_configuration(self, request: web.Request) -> web.Response:
        asked = _asked(request, "features", needs=("features",))
        return self._answer(request, configurations.add(self._store, asked["features"], is_default=False))

    async def change_configuration(self, request: web.Request) -> web.Response:
        configuration = self._store.get(configurations.KIND, request.match_info["id"])
        configurations.change(self._store, configuration, _asked(request, "features", "active"))
        return self._answer(request, configuration)

    async def expire_session(self, request: web.Request) -> web.Response:
        session = self._store.get("checkout.session", request.match_info["id"])
        self._checkout.expire(session)
        return self._answer(request, session)

    async def new_endpoint(self, request: web.Request) -> web.Response:
        asked = _asked(
            request, "url", "enabled_events", "description", "api_version", "metadata", needs=("url", "enabled_events")
        )
        try:
            self._checkout.check_address(asked["url"])
        except ValueError as error:
            raise StripeError(f"Invalid URL: {error}", code="url_invalid", param="url") from error
        events = asked["enabled_events"]
        secret = f"whsec_{secrets.token_urlsafe(24)}"
        endpoint = self._store.add(
            "we",
            "webhook_endpoint",
            api_version=API_VERSION,
            application=None,
            description=asked.get("description"),
            enabled_events=events if isinstance(events, list) else [events],
            metadata=_metadata(asked),
            status="enabled",
            url=asked["url"],
        )
        # Told this once.
        self._store.secrets[endpoint["id"]] = secret
        return self._answer(request, {**endpoint, "secret": secret})

    async def delete_endpoint(self, request: web.Request) -> web.Response:
        endpoint = self._store.get("webhook_endpoint", request.match_info["id"])
        self._store.remove(endpoint)
        return web.json_response({"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True})


def _asked(request: web.Request, *known: str, needs: tuple[str, ...] = ()) -> Thing:
    """The parameters. Raises StripeError for one that is not known, or missing."""
    asked: Thing = request[PARAMETERS]
    for name in asked:
        if name not in {*known, "expand"}:
            raise StripeError(f"Received unknown parameter: {name[:100]}", code="parameter_unknown", param=name[:100])
    for name in needs:
        if not asked.get(name):
            raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return asked


def _metadata(asked: Thing) -> Thing:
    given = asked.get("metadata") or {}
    if not isinstance(given, dict) or len(given) > MAX_METADATA:
        raise StripeError(f"Metadata has at most {MAX_METADATA} keys.", param="metadata")
    for name, value in given.items():
        if not isinstance(value, str) or len(name) > 40 or len(value) > 500:
            raise StripeError("Metadata keys have 40 characters and values 500.", param=f"metadata[{name[:40]}]")
    return {name: value for name, value in given.items() if value != ""}


def _change_metadata(thing: Thing, asked: Thing) -> None:
    """Keys are added and changed; an empty value takes one away, and an empty text all."""
    if asked.get("metadata") == "":
        thing["metadata"] = {}
    elif "metadata" in asked:
        _metadata(asked)
        merged = {**thing["metadata"], **asked["metadata"]}
        thing["metadata"] = {name: value for name, value in merged.items() if value != ""}
