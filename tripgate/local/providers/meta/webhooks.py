"""What Meta tells by webhook: made, signed, and sent as a plan says: twice, late, together, or in another order."""

# Evaluated annotations: pydantic reads them at run time.
import asyncio
import datetime
import hashlib
import hmac
import json
import random
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tripgate.local.providers.deliveries import Delivery, local_address
from tripgate.local.providers.meta.phones import Held, Phone
from tripgate.local.providers.meta.wire import BUSINESS_ID, DISPLAY_NUMBER, WireError
from tripgate.local.providers.provider import Lent

NAME = "meta"
# Until a webhook is taken, for seven days.
RETRIES = (5.0, 30.0, 300.0, 1800.0, 7200.0, 21_600.0, 43_200.0, *(86_400.0,) * 6)

UNDELIVERABLE = 131026

Told = Literal["sent", "delivered", "read", "failed"]


class Plan(BaseModel):
    """How the messages that are sent from now on are told of.

    Attributes:
        statuses: In that order; `failed` says `error`.
        copies: How often each status is told.
        batch: How many statuses one webhook tells of at most.
        gather_seconds: How long statuses are gathered before they are told; with `batch` or `shuffle`, a tenth.
        shuffle: The seed of the order in which what was gathered is told.
        before_reply: They are told, and the webhooks answered, before the request is.
        delay_seconds: Between a message and the first of its statuses.
        refusals: Whether what cannot be delivered is said by the answer, or by a status after it was accepted.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)

    statuses: list[Told] = Field(["sent", "delivered"], max_length=10)
    error: int = UNDELIVERABLE
    copies: int = Field(1, ge=1, le=10)
    batch: int = Field(1, ge=1, le=1000)
    gather_seconds: float = Field(0.0, ge=0, le=60)
    shuffle: int | None = None
    before_reply: bool = False
    delay_seconds: float = Field(0.0, ge=0, le=300)
    refusals: Literal["answer", "status"] = "answer"

    @property
    def gathers(self) -> bool:
        """Whether statuses wait for others."""
        return self.batch > 1 or self.shuffle is not None or self.gather_seconds > 0


@dataclass(frozen=True)
class Hook:
    """Where webhooks go, and the app's secret that signs them."""

    url: str
    secret: str

    def sign(self, body: bytes, _: datetime.datetime) -> dict[str, str]:
        """Over the raw bytes; Meta's signatures have no time."""
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": f"sha256={digest}",
        }


class Webhooks:
    """Tells the hook, where there is one, of what happens to one business number."""

    def __init__(self, lent: Lent, phone_number_id: str) -> None:
        self._lent = lent
        self._phone_number_id = phone_number_id
        self._gathered: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.plan = Plan.model_validate({})
        self.hook: Hook | None = None

    def forget(self) -> None:
        """No plan, and nothing gathered."""
        self._gathered.clear()
        self.plan = Plan.model_validate({})

    def set_hook(self, url: str, secret: str) -> None:
        """Tell this address from now on. Raises ValueError where it is not of this machine."""
        local_address(url)
        self.hook = Hook(url, secret)

    async def follow(self, phone: Phone, held: Held, error: WireError | None = None) -> None:
        """Tell how a message that was accepted goes on; as fast as the plan says."""
        plan = self.plan
        await asyncio.sleep(plan.delay_seconds)
        statuses: list[Told] = ["failed"] if error is not None else list(plan.statuses)
        for name in statuses:
            failed = (error or WireError(plan.error)) if name == "failed" else None
            status, contact = self._status(phone, held, name, failed), _contact_of(phone, failed)
            phone.stand(held, name)
            if plan.gathers:
                self._gather(status, contact, plan)
                continue
            for _ in range(plan.copies):
                await self._arrived(self._statuses([(status, contact)], name))

    def read(self, phone: Phone) -> int:
        """Somebody looks at their phone; how many messages they read by that."""
        unread = phone.unread()
        for held in unread:
            phone.stand(held, "read")
            status = self._status(phone, held, "read", None)
            self._statuses([(status, phone.as_contact())], "read")
        return len(unread)

    def wrote(self, phone: Phone, held: Held) -> None:
        """Somebody wrote something."""
        message: dict[str, Any] = {
            **self._from(phone, held.wamid),
            "type": "text",
            "text": {"body": held.text},
        }
        if held.context is not None:
            message["context"] = {"from": DISPLAY_NUMBER, "id": held.context}
        self._send({"contacts": [phone.as_contact()], "messages": [message]}, "message")

    def changed_number(self, phone: Phone, wamid: str, old: dict[str, Any]) -> None:
        """Somebody has another number by now; `old` is the contact that they were."""
        was = {"from": old["wa_id"]} if "wa_id" in old else {}
        system: dict[str, Any] = {
            "body": f"{phone.name} changed from {old.get('wa_id', old['user_id'])} to {phone.number}",
            "type": "user_changed_number",
            "wa_id": phone.number,
            "user_id": phone.bsuid,
            "previous_user_id": old["user_id"],
        }
        message = {
            **was,
            "from_user_id": old["user_id"],
            "id": wamid,
            "timestamp": self._timestamp(),
            "type": "system",
            "system": system,
        }
        self._send({"messages": [message]}, "user_changed_number")

    def chose_marketing(self, phone: Phone) -> None:
        """Somebody stopped messages of marketing in their app, or wants them again."""
        value = "stop" if phone.stops_marketing else "resume"
        preference = {
            **({"wa_id": phone.number} if phone.number else {}),
            "user_id": phone.bsuid,
            "detail": f"User requested to {value} marketing messages",
            "category": "marketing_messages",
            "value": value,
            "timestamp": int(self._lent.clock.now().timestamp()),
        }
        given = {"contacts": [phone.as_contact()], "user_preferences": [preference]}
        self._send(given, "user_preferences", field="user_preferences")

    def flush(self) -> int:
        """Tell what was gathered; by how many webhooks."""
        plan, gathered = self.plan, self._gathered * self.plan.copies
        self._gathered = []
        if plan.shuffle is not None:
            random.Random(plan.shuffle).shuffle(gathered)  # noqa: S311 - an order that a test can repeat
        batches = [gathered[start : start + plan.batch] for start in range(0, len(gathered), plan.batch)]
        for batch in batches:
            self._statuses(batch, f"{len(batch)} statuses" if len(batch) > 1 else str(batch[0][0]["status"]))
        return len(batches)

    def _gather(self, status: dict[str, Any], contact: dict[str, Any], plan: Plan) -> None:
        if not self._gathered:
            self._lent.deliveries.begin(self._flush_later(plan.gather_seconds or 0.1))
        self._gathered.append((status, contact))

    async def _flush_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.flush()

    def _status(self, phone: Phone, held: Held, name: Told, error: WireError | None) -> dict[str, Any]:
        status: dict[str, Any] = {"id": held.wamid, "status": name, "timestamp": self._timestamp()}
        if phone.number is not None:
            status["recipient_id"] = phone.number
        status["recipient_user_id"] = phone.bsuid
        if held.callback is not None:
            status["biz_opaque_callback_data"] = held.callback
        if error is not None:
            return {**status, "errors": [error.as_status()]}
        return {**status, "pricing": held.pricing}

    def _from(self, phone: Phone, wamid: str) -> dict[str, Any]:
        number = {"from": phone.number} if phone.number is not None else {}
        return {**number, "from_user_id": phone.bsuid, "id": wamid, "timestamp": self._timestamp()}

    def _statuses(self, told: list[tuple[dict[str, Any], dict[str, Any]]], label: str) -> Delivery | None:
        value = {"contacts": [contact for _, contact in told], "statuses": [status for status, _ in told]}
        return self._send(value, label)

    def _send(self, value: dict[str, Any], label: str, field: str = "messages") -> Delivery | None:
        hook = self.hook
        if hook is None:
            return None
        metadata = {"display_phone_number": DISPLAY_NUMBER, "phone_number_id": self._phone_number_id}
        change = {"value": {"messaging_product": "whatsapp", "metadata": metadata, **value}, "field": field}
        body = {"object": "whatsapp_business_account", "entry": [{"id": BUSINESS_ID, "changes": [change]}]}
        raw = json.dumps(body, separators=(",", ":")).encode()
        return self._lent.deliveries.send(NAME, hook.url, raw, hook.sign, label=label, retries=RETRIES)

    def _timestamp(self) -> str:
        return str(int(self._lent.clock.now().timestamp()))

    async def _arrived(self, delivery: Delivery | None) -> None:
        """Wait until its first attempt is over, so that what follows comes behind it."""
        if delivery is not None:
            await delivery.tried.wait()


def _contact_of(phone: Phone, error: WireError | None) -> dict[str, Any]:
    """Who a status is of. Of whom nothing reached, only what the business knew is said."""
    if error is None or error.code != UNDELIVERABLE:
        return phone.as_contact()
    return {"wa_id": phone.number} if phone.number else {"user_id": phone.bsuid}
