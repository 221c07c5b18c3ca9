"""Invitations to share things, but trips: what is one's own to see and to answer, whatever the scope."""

import strawberry

from resolvers.declared.crud import crud, domain
from resolvers.invitations import MEMBERSHIP_INVITATION, Decline, OpenInvitations, Revoke


@strawberry.type
class MembershipQuery:
    """Reading who asks the caller to take part."""

    my_membership_invitations = OpenInvitations(
        MEMBERSHIP_INVITATION, "The open invitations to the caller's e-mail address, to share other things than trips."
    )


@strawberry.type
class MembershipMutation:
    """Closing invitations."""

    revoke_membership_invitation = Revoke(MEMBERSHIP_INVITATION, "Take an open invitation of the caller's back.")
    decline_membership_invitation = Decline(
        MEMBERSHIP_INVITATION, "Turn down an open invitation to the caller's e-mail address."
    )


DOMAIN = domain(
    crud(MEMBERSHIP_INVITATION, writes=False),
    MembershipQuery,
    MembershipMutation,
    position=75,
)
