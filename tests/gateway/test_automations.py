"""Preferences, reminders and rules over GraphQL, and how wrong ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import Team
from tests.support import Person

SCHEDULE = """mutation ($input: ScheduleReminderInput!) {
  scheduleReminder(input: $input) { id kind status reason runAt payload attempts trip { title } user { id } }
}"""
MOVE = """mutation ($id: UUID!, $days: Int, $time: Time, $at: DateTime) {
  moveScheduledJob(id: $id, daysBefore: $days, localTime: $time, runAt: $at) { runAt payload }
}"""
CANCEL = "mutation ($id: UUID!) { cancelScheduledJob(id: $id) { status reason } }"
RULE = """mutation ($input: CreateAutomationRuleInput!) {
  createAutomationRule(input: $input) { id trigger conditions action isEnabled daysBefore localTime trip { title } }
}"""
TRIGGER = """mutation ($rule: UUID!, $dry: Boolean! = true) {
  triggerAutomation(ruleId: $rule, dryRun: $dry) { done reason channel title text }
}"""
PREFER = """mutation ($input: UpsertNotificationPreferenceInput!) {
  upsertNotificationPreference(input: $input) { topic channel isEnabled quietFrom quietUntil }
}"""
FAR = "2127-05-01T10:00:00Z"


async def remind(person: Person, team: Team, **given: Any) -> dict[str, Any]:
    wanted = {"tripId": team.trip, "text": "Pack", "channel": "BELL", **given}
    return dict((await person.ask(SCHEDULE, input=wanted))["scheduleReminder"])


async def test_a_reminder_is_made_moved_listed_and_cancelled(team: Team) -> None:
    made = await remind(team.viewer, team, runAt=FAR)
    key = made.pop("id")
    assert made == {
        "kind": "REMINDER",
        "status": "SCHEDULED",
        "reason": None,
        "runAt": "2127-05-01T10:00:00+00:00",
        "payload": {"text": "Pack", "channel": "bell"},
        "attempts": 0,
        "trip": {"title": "Shared"},
        "user": {"id": team.viewer.id},
    }
    update = 'mutation ($id: UUID!) { updateTrip(id: $id, patch: { startDate: "2127-06-10" }) { id } }'
    await team.owner.ask(update, id=team.trip)
    moved = await team.viewer.ask(MOVE, id=key, days=1, time="08:30")
    assert moved["moveScheduledJob"]["runAt"] == "2127-06-09T08:30:00+00:00"
    listed = (
        "{ scheduledJobs(filter: { status: { eq: SCHEDULED } }, orderBy: [{ runAt: ASC }]) { nodes { id runAt } } }"
    )
    assert (await team.viewer.ask(listed))["scheduledJobs"]["nodes"] == [
        {"id": key, "runAt": "2127-06-09T08:30:00+00:00"}
    ]
    assert (await team.owner.ask(listed))["scheduledJobs"]["nodes"] == []
    cancelled = await team.viewer.ask(CANCEL, id=key)
    assert cancelled == {"cancelScheduledJob": {"status": "CANCELLED", "reason": "BY_HAND"}}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"runAt": "2020-01-01T00:00:00Z"}, "BAD_USER_INPUT", "input.runAt"),
        ({}, "BAD_USER_INPUT", "input.runAt"),
        ({"daysBefore": 1}, "BAD_USER_INPUT", "input.localTime"),
        ({"daysBefore": 400, "localTime": "08:00"}, "BAD_USER_INPUT", "input.daysBefore"),
        ({"runAt": FAR, "text": " "}, "BAD_USER_INPUT", "input.text"),
        ({"runAt": FAR, "tripId": "00000000-0000-0000-0000-000000000000"}, "NOT_FOUND", "input.tripId"),
        ({"runAt": FAR, "tripItemId": "00000000-0000-0000-0000-000000000000"}, "NOT_FOUND", "input.tripItemId"),
        ({"runAt": FAR, "channel": "WHATSAPP"}, "RECIPIENT_OPTED_OUT", "input.channel"),
    ],
)
async def test_a_reminder_that_cannot_be_is_refused(team: Team, given: dict[str, Any], code: str, field: str) -> None:
    wanted = {"tripId": team.trip, "text": "Pack", "channel": "BELL", **given}
    refusal = await team.viewer.refused(SCHEDULE, input=wanted)
    assert (refusal["code"], refusal.get("field")) == (code, field)


async def test_a_zone_that_there_is_not_is_refused(team: Team) -> None:
    mutation = 'mutation { updateMyPreferences(patch: { timezone: "Mars/Olympus" }) { timezone } }'
    refusal = await team.viewer.refused(mutation)
    assert (refusal["code"], refusal["field"]) == ("BAD_USER_INPUT", "timezone")


async def test_a_rule_is_made_and_tried(team: Team) -> None:
    wanted = {
        "tripId": team.trip,
        "trigger": "TRIP_STATUS_CHANGED",
        "conditions": {"status": {"in": ["PLANNING", "BOOKED"]}},
        "action": {"kind": "notify", "text": "Look!"},
    }
    made = (await team.editor.ask(RULE, input=wanted))["createAutomationRule"]
    key = made.pop("id")
    expected = {**wanted, "isEnabled": True, "daysBefore": None, "localTime": None, "trip": {"title": "Shared"}}
    expected.pop("tripId")
    assert made == expected
    told = (await team.editor.ask(TRIGGER, rule=key))["triggerAutomation"]
    title = "“Shared” is being planned now"
    assert told == {"done": False, "reason": None, "channel": "BELL", "title": title, "text": "Look!"}
    assert (await team.editor.ask(TRIGGER, rule=key, dry=False))["triggerAutomation"]["done"] is True
    bell = "{ notifications { nodes { system kind title body } } }"
    assert {"system": "trips", "kind": "automation", "title": title, "body": "Look!"} in (await team.editor.ask(bell))[
        "notifications"
    ]["nodes"]
    refusal = await team.owner.refused(TRIGGER, rule=key)
    assert (refusal["code"], refusal["field"]) == ("NOT_FOUND", "ruleId")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"conditions": {"colour": {"eq": "red"}}}, "conditions"),
        ({"conditions": [1]}, "conditions"),
        ({"action": {"kind": "run_ai_agent"}}, "action"),
        ({"trigger": "DAYS_BEFORE_TRIP"}, "daysBefore"),
        ({"daysBefore": 2}, "daysBefore"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(team: Team, given: dict[str, Any], field: str) -> None:
    wanted = {"tripId": team.trip, "trigger": "ITEM_CREATED", "action": {"kind": "notify"}, **given}
    refusal = await team.editor.refused(RULE, input=wanted)
    assert (refusal["code"], refusal["field"]) == ("BAD_USER_INPUT", field)


async def test_a_preference_is_said_and_changed(team: Team) -> None:
    wanted = {"topic": "REMINDER", "channel": "WHATSAPP", "quietFrom": "22:00", "quietUntil": "07:00"}
    said = (await team.viewer.ask(PREFER, input=wanted))["upsertNotificationPreference"]
    assert said == {**wanted, "isEnabled": True, "quietFrom": "22:00:00", "quietUntil": "07:00:00"}
    off = (await team.viewer.ask(PREFER, input={**wanted, "isEnabled": False}))["upsertNotificationPreference"]
    assert off == {**said, "isEnabled": False}
    refusal = await team.viewer.refused(PREFER, input={**wanted, "quietUntil": None})
    assert (refusal["code"], refusal["field"]) == ("BAD_USER_INPUT", "quietUntil")
