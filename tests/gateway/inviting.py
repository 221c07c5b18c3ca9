"""People who invite others by mail to what is theirs."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg

from tests.support import Person
from tripgate.local.stack import StackInfo

NOBODY = "00000000-0000-4000-8000-000000000000"
NO_INVITATION = {"code": "NOT_FOUND", "message": "There is no such invitation to this account that is still open."}

INVITE = """mutation ($trip: UUID!, $email: String!, $role: CollaboratorRole! = VIEWER) {
  inviteCollaborator(tripId: $trip, email: $email, role: $role) {
    id email role status expiresAt acceptedAt trip { id title } invitedBy { id }
  }
}"""
ACCEPT = """mutation ($token: String!) {
  acceptInvitation(token: $token) { id role user { id } trip { id title } }
}"""
SEE = "query ($id: UUID!) { trip(id: $id) { title } }"
ADD = 'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Swim" }) { id title } }'


@dataclass
class Inviting:
    """What somebody invites others to, its owner, and the servers behind.

    Attributes:
        page: Where the links in mails lead, below the site.
    """

    page: ClassVar[str]
    stack: StackInfo
    owner: Person
    id: str

    async def mail(self, guest: Person) -> dict[str, str]:
        """The newest mail to the guest."""
        async with guest.http.get(f"{self.stack.inbox_url}?to={guest.email}") as response:
            return dict((await response.json())[0])

    async def token(self, guest: Person) -> str:
        """The secret in that mail's link."""
        text = (await self.mail(guest))["text"]
        (token,) = re.findall(rf"http://127\.0\.0\.1:3000/{self.page}\?token=([\w-]{{43}})\s", text)
        return str(token)

    def sql(self, statement: str, *values: object) -> None:
        """A statement that no caller of the API could send."""
        with psycopg.connect(self.stack.admin_db_url, autocommit=True) as connection:
            connection.execute(statement, values)


class Trip(Inviting):
    """A trip."""

    page = "invitations"

    async def invite(self, guest: Person, role: str = "VIEWER") -> dict[str, Any]:
        """The owner invites; what that answers."""
        data = await self.owner.ask(INVITE, trip=self.id, email=guest.email, role=role)
        return dict(data["inviteCollaborator"])

    async def join(self, guest: Person, role: str = "VIEWER") -> str:
        """The guest is invited and accepts; the collaborator's id."""
        await self.invite(guest, role)
        data = await guest.ask(ACCEPT, token=await self.token(guest))
        return str(data["acceptInvitation"]["id"])
