"""People who use what plans include, as the service and Stripe's webhook write of them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from tests.database.callers import role, sign_up

if TYPE_CHECKING:
    from datetime import datetime


def person(db: psycopg.Connection) -> uuid.UUID:
    """Somebody new, who pays for nothing."""
    new = uuid.uuid4()
    sign_up(db, new)
    return new


class RefusedError(Exception):
    """What a function refuses with: a public code, and what it says beside it."""

    def __init__(self, code: str, extensions: dict[str, Any]) -> None:
        super().__init__(code, extensions.get("reason"))
        self.code = code
        self.extensions = extensions


def call(db: psycopg.Connection, statement: LiteralString, *values: object) -> Any:
    """What a function answers the service. Raises RefusedError."""
    try:
        with role(db, "service_role"):
            (answer,) = db.execute(statement, values).fetchone() or (None,)
    except psycopg.Error as error:
        if error.sqlstate != "PGRST":
            raise
        said = json.loads(error.diag.message_primary or "")
        raise RefusedError(said["code"], json.loads(said["hint"])) from None
    return answer


def reserve(
    db: psycopg.Connection, who: uuid.UUID, amount: object, key: str, metric: str = "AI_COST", ttl: str = "5 minutes"
) -> Any:
    """Reserve, for the service."""
    return call(db, "select public.reserve_usage(%s, %s, %s, %s, %s)", who, metric, amount, key, ttl)


def settle(db: psycopg.Connection, key: str, actual: object) -> Any:
    """Settle, for the service."""
    return call(db, "select public.settle_usage(%s, %s)", key, actual)


def release(db: psycopg.Connection, key: str) -> Any:
    """Release, for the service."""
    return call(db, "select public.release_usage(%s)", key)


def customer(db: psycopg.Connection, who: uuid.UUID) -> str:
    """Make somebody a customer of Stripe."""
    token = call(db, "select public.take_billing_lease(%s)", str(who))
    known: str = call(db, "select public.keep_stripe_customer(%s, %s, %s)", who, f"cus_{who.hex}", token)
    call(db, "select public.release_billing_lease(%s, %s)", str(who), token)
    return known


def subscribe(
    db: psycopg.Connection,
    who: uuid.UUID,
    plan: str,
    starts: datetime,
    ends: datetime,
    status: str = "active",
    *,
    canceled: bool = False,
    which: str = "",
    paid_until: datetime | None = None,
) -> None:
    """What Stripe says of a person's subscription, as the webhook writes it."""
    of = customer(db, who)
    token = call(db, "select public.take_billing_lease(%s)", of)
    assert token is not None
    call(
        db,
        "select public.apply_stripe_subscription(%s, %s, %s, %s, %s, %s, %s, %s, paid_until => %s)",
        of, token, f"sub_{who.hex}{which}", plan, status, starts, ends, canceled, paid_until,
    )  # fmt: skip
    call(db, "select public.release_billing_lease(%s, %s)", of, token)


def limits(db: psycopg.Connection, who: uuid.UUID) -> dict[str, tuple[str, str, str]]:
    """Limit, used and reserved of each metric now, as the person reads them."""
    with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
        rows = db.execute(
            "select metric, limit_amount, used_amount, reserved_amount from public.current_usage_limits()"
        ).fetchall()
    return {metric: tuple(f"{amount.normalize():f}" for amount in amounts) for metric, *amounts in rows}


def expire(db: psycopg.Connection, key: str) -> None:
    """Let the time of a reservation run out."""
    db.execute(
        "update private.usage_reservations set expires_at = clock_timestamp() - interval '1 second' where key = %s",
        (key,),
    )
