// Who is on the trip; its owner invites others here.
import { useMutation, useSubscription } from "urql";
import { graphql } from "../api/generated";
import type { CollaboratorRole, PeopleFragment } from "../api/generated/graphql";
import { announce, report } from "../ui/announcer";
import { Failure, Field, GoingButton, Problem, Select, useForm } from "../ui/form";

export const PeopleFields = graphql(`
  fragment People on Trip {
    id
    owner { id displayName }
    collaborators { nodes { id role user { id displayName } } }
  }
`);
// Apart from the trip, since nobody but its owner sees them.
const Open = graphql(`
  subscription Open($trip: UUID!) {
    invitations(filter: { tripId: { eq: $trip }, status: { eq: PENDING } }) { nodes { id email role } }
  }
`);
const Invite = graphql(`
  mutation Invite($trip: UUID!, $email: String!, $role: CollaboratorRole!) {
    inviteCollaborator(tripId: $trip, email: $email, role: $role) { id }
  }
`);
const Revoke = graphql(`
  mutation Revoke($id: UUID!) { revokeInvitation(id: $id) { id } }
`);

const ROLES: { [role in CollaboratorRole]: string } = { EDITOR: "Plans with you", VIEWER: "Looks and votes" };

export function People({ trip, owns }: { trip: PeopleFragment; owns: boolean }) {
  return (
    <section className="panel people" aria-labelledby="people" tabIndex={-1}>
      <h2 id="people">On this trip</h2>
      <ul>
        <li>{trip.owner?.displayName} <small>owner</small></li>
        {trip.collaborators.nodes.map(({ id, role, user }) => (
          <li key={id}>{user?.displayName} <small>{role.toLowerCase()}</small></li>
        ))}
        {owns && <Invitations tripId={trip.id} />}
      </ul>
      {owns && <InviteForm tripId={trip.id} />}
    </section>
  );
}

function Invitations({ tripId }: { tripId: string }) {
  const [{ data, error }, retry] = useSubscription({ query: Open, variables: { trip: tripId } });
  const [, revoke] = useMutation(Revoke);
  if (error) return <li><Failure error={error} retry={retry} /></li>;
  return data?.invitations?.nodes.map(({ id, email }) => (
    <li key={id}>
      {email} <small>invited</small>{" "}
      <GoingButton className="link" aria-label={`Revoke the invitation of ${email}`} onClick={async () => report((await revoke({ id })).error)}>
        Revoke
      </GoingButton>
    </li>
  ));
}

function InviteForm({ tripId }: { tripId: string }) {
  const [, invite] = useMutation(Invite);
  const { problems, busy, props } = useForm(["email"], async ({ email = "", role }) => {
    const { error } = await invite({ trip: tripId, email, role: role as CollaboratorRole });
    if (!error) announce(`The invitation is on its way to ${email}.`);
    return error;
  });
  return (
    <form {...props} aria-label="Invite somebody">
      <div className="row">
        <Field label="E-mail address" name="email" type="email" problem={problems["email"]} />
        <Select label="What they do" name="role" options={ROLES} />
        <button type="submit" aria-disabled={busy}>Invite</button>
      </div>
      <Problem>{problems["form"]}</Problem>
    </form>
  );
}
