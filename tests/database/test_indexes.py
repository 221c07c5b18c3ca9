"""Each index serves something: a key, a foreign key, a documented query, or what is named here with its reason."""

from __future__ import annotations

from gql import pg_catalog
from tests.database.documented import DOCUMENTED

# Beside what the documented queries use.
SERVES = {
    "idx_trips_status": "For whoever sees everybody's trips: under row level security a list begins with its people.",
    "idx_invitations_email_status": "The policy that shows people the invitations to their address.",
    "idx_membership_invitations_email_status": "The same policy, of invitations to what else people share.",
    "idx_membership_invitations_scope_id_status": "The open invitations to a thing: counted, and removed with it.",
    "idx_notifications_created_at": "What is older than 90 days is found by it, whosever it is.",
    "idx_subscriptions_status": "For whoever sees everybody's: what is past due, and how many pay.",
    "idx_scheduled_jobs_updated_at": "What was over 90 days ago and is thrown away, whosever it is.",
    "idx_ai_runs_created_at": "For whoever sees everybody's: what was asked of late.",
    "idx_ai_runs_conversation_id_created_at": "What was said in a conversation before, which the agent is told.",
    "idx_ai_runs_lease_until": "Runs of which nothing was heard in time, whosever they are.",
    "idx_ai_memories_expires_at": "What is to be forgotten by now, whosever it is.",
    "idx_whatsapp_messages_sending_at": "Messages of which nothing was heard in time, whosever they are.",
    "idx_whatsapp_messages_created_at": "Messages that wait and have no task any more, whosever they are.",
    "idx_delivery_events_created_at": "What was told of messages that are nobody's, to be forgotten.",
    "idx_billing_events_received": "What Stripe told, and is not done, whosever it is.",
}


def test_each_index_serves_something() -> None:
    documented = set().union(*(alternatives for query in DOCUMENTED for alternatives in query.indexes))
    useless = {
        index.name
        for table in pg_catalog.loaded().stored
        for index in table.indexes
        if not index.unique
        and not any(index.columns[: len(key.columns)] == key.columns for key in table.foreign_keys)
        and index.name not in documented
    }
    assert useless == set(SERVES)
