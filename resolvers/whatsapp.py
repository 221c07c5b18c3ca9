"""Messages by WhatsApp: the caller's number, what they are sent and write, and what became of it."""

from typing import Any

import strawberry
from graphql.execution.values import VariableValues

from gql import derive
from gql.errors import bad_input
from gql.forward_types import object_type
from gql.types.whatsapp import SendWhatsappMessageInput
from resolvers.context import Context
from resolvers.declared import changes, grouped, many, one, own
from resolvers.declared.crud import crud, domain
from resolvers.declared.invoked import Answered, InvokedByInput
from resolvers.declared.writes import Write
from tripgate.planner import write
from tripgate.planner.plan import Call
from tripgate.planner.selection import Selected


class LinkWhatsapp(Write):
    """Sends a code to a number."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        plan = self.plan(context, selected, variables)
        given = {"phone": selected.arguments(variables)["phone"]}
        return await self.one(context, plan, Call("start_whatsapp_link", given, plan.returning))


class VerifyWhatsapp(Write):
    """Takes the code."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        plan = self.plan(context, selected, variables)
        given = {"code": selected.arguments(variables)["code"]}
        # Answers nothing, or people could have wrong tries alone fail and not count: it is asked of afterwards.
        await context.backend.write(Call("verify_whatsapp", given, ()), context.caller, self.table)
        contact = await self.one(context, plan, Call("verified_whatsapp", given, plan.returning))
        if contact is None:
            raise bad_input(
                "This code is wrong, or not good any more: it is for ten minutes and five tries. Look again, or ask "
                "for another with linkWhatsapp.",
                field="code",
            )
        return contact


class UnlinkWhatsapp(Write):
    """Forgets the number."""

    null_means_error = True

    async def run(self, context: Context, _selected: Selected, _variables: VariableValues) -> Any:
        caller = context.signed_in()
        call = Call("unlink_whatsapp", {}, write.returning(self.table, ()))
        return bool(await context.backend.write(call, caller, self.table))


@strawberry.type
class WhatsappQuery:
    """Reading."""

    whatsapp_contact = own(
        "WhatsappContact", by="userId", description="How the caller is reached; null for who gave no number."
    )
    whatsapp_contacts = many("WhatsappContact")
    whatsapp_message = one("WhatsappMessage")
    whatsapp_messages = many("WhatsappMessage")
    whatsapp_messages_grouped = grouped("WhatsappMessage")
    delivery_events = many("DeliveryEvent")
    delivery_events_grouped = grouped("DeliveryEvent")


@strawberry.type
class WhatsappMutation:
    """A number, and messages."""

    link_whatsapp = LinkWhatsapp(
        "WhatsappContact",
        lambda: object_type("WhatsappContact"),
        lambda: [derive.argument("phone", str, "The number with its country's code, as in +39 333 1234567.")],
        "Have a code sent to a number, by which the caller shows that it is theirs; `verifyWhatsapp` takes it. The "
        "answer is the same whose number it is.",
    )
    verify_whatsapp = VerifyWhatsapp(
        "WhatsappContact",
        lambda: object_type("WhatsappContact"),
        lambda: [derive.argument("code", str, "The six digits that were sent to the number.")],
        "Show that the number is the caller's, and ask for messages to it. Whoever had it before has it no more.",
    )
    unlink_whatsapp = UnlinkWhatsapp(
        "WhatsappContact",
        lambda: bool,
        list,
        "Forget the caller's number; nothing is sent to it any more. False where there was none.",
    )
    send_whatsapp_message = InvokedByInput(
        Answered("WhatsappMessage", "message"),
        "send-whatsapp-message",
        {
            "recipientId": "recipient_id",
            "tripId": "trip_id",
            "template": "template",
            "parameters": "parameters",
            "text": "text",
            "idempotencyKey": "idempotency_key",
        },
        lambda: [derive.argument("input", SendWhatsappMessageInput, "What to send, and to whom.")],
        "Have a message sent to somebody on a trip of the caller's. It is sent behind the answer; follow its status.",
    )


@strawberry.type
class WhatsappSubscription:
    """Messages as they move on."""

    whatsapp_message_changes = changes(
        "WhatsappMessage",
        description="Messages to the caller and from them, and those that they had sent.",
        narrowed_by={"tripId": "The trip that they are about; of all without it."},
    )


DOMAIN = domain(
    WhatsappQuery,
    WhatsappMutation,
    WhatsappSubscription,
    crud("WhatsappContact", reads=False, writes=False, changes="How the caller is reached."),
    position=120,
)
