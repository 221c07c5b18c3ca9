"""The fake of Stripe on the wire: keys, forms, errors, idempotency, lists, as its own client reads them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tripgate.local.providers.stripe import forms

if TYPE_CHECKING:
    from tests.local.providers.stripe.conftest import Stripe


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", {}),
        ("a=1&b=&c=%C3%BC+x", {"a": "1", "b": "", "c": "ü x"}),
        ("metadata[a]=1&metadata[b]=2", {"metadata": {"a": "1", "b": "2"}}),
        ("items[0][price]=p&items[0][quantity]=2&items[1][price]=q",
         {"items": [{"price": "p", "quantity": "2"}, {"price": "q"}]}),
        ("expand[]=a&expand[]=b", {"expand": ["a", "b"]}),
        ("created[gte]=5", {"created": {"gte": "5"}}),
        ("metadata[0]=a&metadata[x]=b", {"metadata": {"0": "a", "x": "b"}}),
    ],
)  # fmt: skip
def test_forms(text: str, tree: dict[str, Any]) -> None:
    assert forms.decoded(text) == tree


@pytest.mark.parametrize(
    "text", ["[a]=1", "a[b=1", "a[b]c=1", "a]=1", "a=1&a[b]=2", "a" + "[b]" * 20 + "=1", "a=&" * 3000]
)
def test_forms_that_make_no_sense(text: str) -> None:
    with pytest.raises(forms.MalformedFormError):
        forms.decoded(text)


async def test_its_client_reads_what_it_wrote(stripe: Stripe) -> None:
    created, found, changed, listed, searched, gone, still, missing = await stripe.client(
        ["customers.create", {"email": "ada@tripgate.example", "metadata": {"user": "ü & [1]"}}],
        ["customers.retrieve", "$0.id"],
        ["customers.update", "$0.id", {"name": "Ada", "metadata": {"user": "", "plan": "pro"}}],
        ["customers.list", {"email": "ada@tripgate.example", "limit": 1}],
        ["customers.search", {"query": 'metadata["plan"]:"pro"'}],
        ["customers.del", "$0.id"],
        ["customers.retrieve", "$0.id"],
        ["customers.retrieve", "cus_none"],
    )
    assert created["id"].startswith("cus_")
    assert (found["email"], found["metadata"]) == ("ada@tripgate.example", {"user": "ü & [1]"})
    assert (changed["name"], changed["metadata"]) == ("Ada", {"plan": "pro"})
    assert [each["id"] for each in listed["data"]] == [created["id"]]
    assert [each["id"] for each in searched["data"]] == [created["id"]]
    assert (gone["id"], gone["deleted"]) == (created["id"], True)
    assert (still["id"], still["deleted"]) == (created["id"], True)
    assert missing["failed"] == "StripeInvalidRequestError"
    assert (missing["statusCode"], missing["code"], missing["param"]) == (404, "resource_missing", "id")
    assert missing["requestId"].startswith("req_")


async def test_it_refuses_as_stripe_does(stripe: Stripe) -> None:
    results = await stripe.client(
        ["products.create", {}],
        ["products.create", {"name": "Pro", "colour": "red"}],
        ["prices.create", {"product": "prod_none", "currency": "eur", "unit_amount": 5}],
        ["products.create", {"name": "Pro"}],
        ["prices.create", {"product": "$3.id", "currency": "euro", "unit_amount": 5}],
        ["prices.create", {"product": "$3.id", "currency": "eur", "unit_amount": "five"}],
        ["prices.create", {"product": "$3.id", "currency": "eur", "unit_amount": 5, "recurring": {"interval": "moon"}}],
        ["payouts.list"],
        ["events.list", {"limit": 101}],
        ["customers.list", {"starting_after": "cus_none"}],
        ["customers.list", {"expand": ["data.nothing"]}],
        ["customers.create", {"metadata": {"x" * 41: "1"}}],
    )
    told = [(each.get("statusCode"), each.get("code"), each.get("param")) for each in results if "failed" in each]
    assert told == [
        (400, "parameter_missing", "name"),
        (400, "parameter_unknown", "colour"),
        (400, "resource_missing", "product"),
        (400, None, "currency"),
        (400, "parameter_invalid_integer", "unit_amount"),
        (400, None, "recurring[interval]"),
        (404, None, None),
        (400, None, "limit"),
        (400, "resource_missing", "starting_after"),
        (400, None, f"metadata[{'x' * 40}]"),
    ]


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        ("", "You did not provide an API key"),
        ("Bearer nonsense", "Invalid API Key provided: nonsens********ense"),
        ("Bearer sk_live_0123456789", "no place for a live key"),
    ],
)
async def test_keys(stripe: Stripe, authorization: str, said: str) -> None:
    async with stripe.served.http.get(
        f"{stripe.base}/v1/customers", headers={"Authorization": authorization} if authorization else {}
    ) as answer:
        assert answer.status == 401
        assert said in (await answer.json())["error"]["message"]


async def test_pages_of_lists(stripe: Stripe) -> None:
    for number in range(12):
        await stripe.made("customers", {"name": f"{number}"})
    first, whole = await stripe.client(
        ["customers.list", {"limit": 5}],
        ["customers.autoPagingToArray", "list", {"limit": 5}, {"limit": 100}],
    )
    assert [each["name"] for each in first["data"]] == ["11", "10", "9", "8", "7"]
    assert first["has_more"] is True
    assert [each["name"] for each in whole] == [str(number) for number in range(11, -1, -1)]
    back = await stripe.get(f"customers?limit=2&ending_before={first['data'][3]['id']}")
    assert [each["name"] for each in back["data"]] == ["10", "9"]
    assert (await stripe.get("customers?limit=100"))["has_more"] is False


async def test_a_key_gives_the_same_answer_again_and_nothing_twice(stripe: Stripe) -> None:
    key = {"idempotencyKey": "sign-up-1"}
    first, again, other, fresh = await stripe.client(
        ["customers.create", {"name": "Ada"}, key],
        ["customers.create", {"name": "Ada"}, key],
        ["customers.create", {"name": "Ben"}, key],
        ["customers.create", {"name": "Ada"}, {"idempotencyKey": "sign-up-2"}],
    )
    assert first["id"] == again["id"] != fresh["id"]
    assert again["$headers"]["idempotent-replayed"] == "true"
    assert first["$headers"]["request-id"] == again["$headers"]["request-id"]
    assert (other["failed"], other["statusCode"]) == ("StripeIdempotencyError", 400)
    assert len((await stripe.get("customers"))["data"]) == 2


async def test_a_key_is_free_again_after_a_day_and_after_what_never_began(stripe: Stripe) -> None:
    assert (await stripe.ask("POST", "products", {"colour": "red"}, "k"))[0] == 400
    first = await stripe.ask("POST", "products", {"name": "Pro"}, "k")
    assert first[0] == 200
    assert (await stripe.ask("POST", "products", {"name": "Free"}, "k"))[0] == 400
    await stripe.advance(86_401)
    assert (await stripe.ask("POST", "products", {"name": "Free"}, "k"))[1]["name"] == "Free"


async def test_a_key_in_flight_is_a_conflict_that_is_to_be_tried_again(stripe: Stripe) -> None:
    await stripe.served.control("POST", "stripe/hold", {"hold": True}, 204)
    first = asyncio.create_task(stripe.ask("POST", "products", {"name": "Pro"}, "k"))
    while not stripe.served.house.ledger.entries():  # noqa: ASYNC110 - until it has come
        await asyncio.sleep(0.01)
    status, body, headers = await stripe.ask("POST", "products", {"name": "Pro"}, "k")
    assert (status, body["error"]["code"], headers["Stripe-Should-Retry"]) == (409, "idempotency_key_in_use", "true")
    await stripe.served.control("POST", "stripe/hold", {"hold": False}, 204)
    assert (await first)[0] == 200
    assert (await stripe.ask("POST", "products", {"name": "Pro"}, "k"))[2]["Idempotent-Replayed"] == "true"


async def test_a_saved_failure_is_said_again_under_its_key(stripe: Stripe) -> None:
    await stripe.served.control("POST", "stripe/saved_failures", {"statuses": [500]}, 204)
    key = {"idempotencyKey": "k"}
    first, again, fresh = await stripe.client(
        ["customers.create", {"name": "Ada"}, key],
        ["customers.create", {"name": "Ada"}, key],
        ["customers.create", {"name": "Ada"}],
    )
    assert (first["failed"], first["statusCode"], first["retry"]) == ("StripeAPIError", 500, "false")
    assert (again["statusCode"], again["requestId"]) == (500, first["requestId"])
    assert fresh["name"] == "Ada"


@pytest.mark.parametrize(
    ("status", "failed"),
    [(402, "StripeCardError"), (429, "StripeRateLimitError"), (500, "StripeAPIError"), (503, "StripeAPIError")],
)
async def test_failures_by_script_are_stripes(stripe: Stripe, status: int, failed: str) -> None:
    await stripe.served.control("POST", "failures", {"provider": "stripe", "kind": "status", "status": status}, 201)
    (result,) = await stripe.client(["customers.create", {"name": "Ada"}])
    assert (result["failed"], result["statusCode"]) == (failed, status)
    assert (await stripe.get("customers"))["data"] == []


async def test_ten_at_once_under_one_key_make_one(stripe: Stripe) -> None:
    (results,) = await stripe.client(["together", 10, "customers.create", {"name": "Ada"}, {"idempotencyKey": "k"}])
    made = {each["id"] for each in results if "failed" not in each}
    assert len(made) == 1
    assert {each["statusCode"] for each in results if "failed" in each} <= {409}
    assert [each["id"] for each in (await stripe.get("customers"))["data"]] == [*made]
