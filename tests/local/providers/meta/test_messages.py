"""Messages as Meta takes, refuses and throttles them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.providers.meta.conftest import ANNA, HOUR, Meta, code, template, text, together
from tripgate.local.providers.meta.wire import BUSINESS_ID, PHONE_NUMBER_ID

BEN = "4915100000002"
TWO = ("Rome", "Pack your bags")


async def held(meta: Meta, number: str = ANNA) -> list[dict[str, Any]]:
    return list((await meta.control("GET", f"phones/{number}"))["messages"])


async def test_a_template_reaches_somebody_who_never_wrote(meta: Meta) -> None:
    status, answer = await meta.post(template("trip_reminder", *TWO, to=f"+{ANNA}", biz_opaque_callback_data="m1"))
    wamid = answer["messages"][0]["id"]
    assert (status, answer) == (
        200,
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": f"+{ANNA}", "wa_id": ANNA}],
            "messages": [{"id": wamid, "message_status": "accepted"}],
        },
    )
    assert wamid.startswith("wamid.")
    (message,) = await held(meta)
    assert message["text"] == "Your reminder for “Rome”: Pack your bags\n\nReply STOP to end messages."
    assert (message["wamid"], message["callback"], message["category"]) == (wamid, "m1", "utility")


async def test_free_text_is_for_24_hours_after_somebody_wrote(meta: Meta) -> None:
    assert (await meta.refused(text()))[:2] == (400, 131047)
    await meta.write()
    await meta.sent(text())
    await meta.advance(24 * HOUR - 60)
    await meta.sent(text("Still here"))
    await meta.advance(60)
    assert (await meta.refused(text()))[:2] == (400, 131047)
    await meta.sent(template("trip_reminder", *TWO))
    assert [each["text"] for each in await held(meta)][:3] == ["Ciao", "See you at 9", "Still here"]


async def test_one_person_gets_one_message_in_six_seconds_and_everybody_else_is_none_of_it(meta: Meta) -> None:
    await meta.sent(template("trip_reminder", *TWO))
    assert (await meta.refused(template("trip_reminder", *TWO)))[:2] == (400, 131056)
    await meta.sent(template("trip_reminder", *TWO, to=BEN))
    await meta.advance(6)
    await meta.sent(template("trip_reminder", *TWO))
    assert [len(await held(meta, number)) for number in (ANNA, BEN)] == [2, 1]


async def test_what_was_refused_takes_nobodys_turn(meta: Meta) -> None:
    assert (await meta.refused(template("trip_reminder", "Rome")))[1] == 132000
    await meta.sent(template("trip_reminder", *TWO))


async def test_a_number_sends_so_many_a_second_and_no_more(meta: Meta) -> None:
    await meta.control("POST", "limits", {"pairSeconds": 0, "messagesPerSecond": 0}, 204)
    assert (await meta.refused(template("trip_reminder", *TWO)))[:2] == (429, 130429)
    await meta.control("POST", "limits", {}, 204)
    await meta.sent(template("trip_reminder", *TWO))


async def test_a_thousand_people_get_theirs_at_once(meta: Meta) -> None:
    await meta.control("POST", "limits", {"messagesPerSecond": 5000}, 204)
    messages = [
        template("trip_reminder", *TWO, to=f"39333{number:07}", biz_opaque_callback_data=f"m{number}")
        for number in range(1000)
    ]
    assert {status for status, _ in await together(meta, messages)} == {200}
    await meta.settled()
    sent = (await meta.control("GET", "messages"))["messages"]
    assert sorted(each["callback"] for each in sent) == sorted(f"m{number}" for number in range(1000))
    assert {each["status"] for each in sent} == {"delivered"}
    assert len(meta.heard.requests) == 2000


async def test_nothing_reaches_who_has_no_whatsapp(meta: Meta) -> None:
    await meta.control("POST", f"phones/{ANNA}", {"undeliverable": True})
    assert (await meta.refused(template("trip_reminder", *TWO)))[:2] == (400, 131026)
    assert await held(meta) == []


async def test_who_stopped_marketing_gets_the_rest(meta: Meta) -> None:
    await meta.control("POST", f"phones/{ANNA}", {"stopsMarketing": True})
    assert (await meta.refused(template("trip_ideas", "Go north")))[:2] == (400, 131050)
    await meta.sent(template("trip_reminder", *TWO))
    (value,) = [each for each in await meta.values() if "user_preferences" in each]
    (preference,) = value["user_preferences"]
    assert (preference["wa_id"], preference["category"], preference["value"]) == (ANNA, "marketing_messages", "stop")


async def test_a_code_stands_in_the_text_and_in_the_button(meta: Meta) -> None:
    await meta.sent(code("123456"))
    (message,) = await held(meta)
    assert message["text"].startswith("123456 is your verification code.")
    assert (await meta.refused(template("verification_code", "123456", to=BEN)))[1] == 132012
    assert (await meta.refused(code("1" * 16, to=BEN)))[1] == 132005


@pytest.mark.parametrize(
    ("asked", "code", "details"),
    [
        (template("gone", "x"), 132001, "template name (gone) does not exist in en"),
        (template("trip_reminder", *TWO, language="it"), 132001, "template name (trip_reminder) does not exist in it"),
        (
            template("trip_reminder", "Rome"),
            132000,
            "body: number of localizable_params (1) does not match the expected number of params (2)",
        ),
        (
            template("trip_reminder", "Rome", "a\nb"),
            132018,
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        ),
        (template("trip_reminder", "Rome", "a     b"), 132018, None),
        (template("trip_reminder", "Rome", ""), 131008, None),
        (template("trip_reminder", "Rome", "x" * 1025), 132005, None),
        (text(""), 131008, "text.body is missing."),
        (text("x" * 4097), 100, "text.body has at most 4096 characters."),
        (text(to="12"), 131009, "to is no phone number with its country."),
        (text(to="anna"), 131009, "to is no phone number with its country."),
        ({"type": "text", "text": {"body": "x"}}, 131008, "to or recipient is missing."),
        ({"recipient": "39333", "type": "text", "text": {"body": "x"}}, 131009, None),
        (text(biz_opaque_callback_data="x" * 513), 131009, None),
        ({"to": ANNA, "type": "poem"}, 131051, "Messages of type poem are not known here."),
        ({"to": ANNA, "type": "template", "template": {"name": "trip_reminder"}}, 131008, None),
        (text(messaging_product="sms"), 100, "messaging_product must be whatsapp."),
    ],
)
async def test_what_is_wrong_with_a_message_is_said(
    meta: Meta, asked: dict[str, Any], code: int, details: str | None
) -> None:
    status, found, said = await meta.refused(asked)
    assert (status, found) == (404 if code == 132001 else 400, code)
    assert details is None or said == details
    assert await held(meta) == []


async def test_the_steps_of_a_set_up_are_answered(meta: Meta) -> None:
    done = (200, {"success": True})
    number, pin = {"messaging_product": "whatsapp"}, {"pin": "123456"}
    assert await meta.ask("POST", f"{PHONE_NUMBER_ID}/register", {**number, **pin}) == done
    assert await meta.ask("POST", f"{BUSINESS_ID}/subscribed_apps") == done
    for path, body in (("register", number), ("register", {**number, "pin": "12345"}), ("register", pin)):
        status, answer = await meta.ask("POST", f"{PHONE_NUMBER_ID}/{path}", body)
        assert (status, answer["error"]["code"]) == (400, 100)
    for path in (f"{BUSINESS_ID}/register", f"{PHONE_NUMBER_ID}/subscribed_apps"):
        status, answer = await meta.ask("POST", path, {**number, **pin})
        assert (status, answer["error"]["code"]) == (400, 100)


async def test_templates_are_registered_listed_and_sent(meta: Meta) -> None:
    await meta.template()
    await meta.sent(template("hello", "Anna", language="it"))
    assert [each["text"] for each in await held(meta)] == ["Ciao Anna, a presto."]
    status, found = await meta.ask("GET", f"{BUSINESS_ID}/message_templates?limit=2")
    assert (status, [each["name"] for each in found["data"]]) == (200, ["verification_code", "trip_reminder"])
    _, found = await meta.ask("GET", f"{BUSINESS_ID}/message_templates?name=hello")
    (hello,) = found["data"]
    assert (hello["status"], hello["category"], hello["parameter_format"]) == ("APPROVED", "UTILITY", "POSITIONAL")
    assert await meta.ask("DELETE", f"{BUSINESS_ID}/message_templates?name=hello") == (200, {"success": True})
    await meta.advance(6)
    assert (await meta.refused(template("hello", "Anna", language="it")))[1] == 132001


async def test_parameters_have_names_where_the_template_has(meta: Meta) -> None:
    body = {"type": "BODY", "text": "Ciao {{name}}!", "example": {"body_text_named_params": []}}
    example = [{"param_name": "name", "example": "Anna"}]
    await meta.template(parameter_format="NAMED", components=[{**body, "example": {"body_text_named_params": example}}])
    assert (await meta.refused(template("hello", "Anna", language="it")))[1] == 132012
    message = template("hello", "Anna", language="it")
    message["template"]["components"][0]["parameters"][0]["parameter_name"] = "name"
    await meta.sent(message)
    assert [each["text"] for each in await held(meta)] == ["Ciao Anna!"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Hello"},
        {"language": "italian"},
        {"category": "NEWS"},
        {"components": []},
        {"components": [{"type": "BODY", "text": "Ciao {{2}}!", "example": {}}]},
        {"components": [{"type": "BODY", "text": "{{1}} ciao", "example": {"body_text": [["x"]]}}]},
        {"components": [{"type": "BODY", "text": "Ciao {{1}}!"}]},
        {"name": "trip_reminder", "language": "en"},
    ],
)
async def test_a_template_that_meta_would_not_take_is_refused(meta: Meta, wrong: dict[str, Any]) -> None:
    body = {"type": "BODY", "text": "Ciao a tutti.", "example": {}}
    asked = {"name": "hello", "language": "it", "category": "UTILITY", "components": [body], **wrong}
    status, answer = await meta.ask("POST", f"{BUSINESS_ID}/message_templates", asked)
    assert (status, answer["error"]["code"]) == (400, 100)


@pytest.mark.parametrize("token", [None, "of nobody", "EAA_invalid", "sk_test_1"])
async def test_who_has_no_token_gets_nothing(meta: Meta, token: str | None) -> None:
    for method, path in (("POST", f"{PHONE_NUMBER_ID}/messages"), ("GET", f"{BUSINESS_ID}/message_templates")):
        status, answer = await meta.ask(method, path, {}, token)
        assert (status, answer["error"]["code"]) == (401, 190)


async def test_the_number_of_somebody_else_is_not_there(meta: Meta) -> None:
    for path in ("200000000000002/messages", "200000000000002/message_templates", "x/messages"):
        status, answer = await meta.ask("POST", path, {})
        assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_scripts_make_it_fail_in_its_own_words(meta: Meta) -> None:
    await meta.served.control("POST", "failures", {"provider": "meta", "kind": "status", "status": 503}, 201)
    assert (await meta.refused(template("trip_reminder", *TWO)))[:2] == (503, 2)
    await meta.sent(template("trip_reminder", *TWO))
