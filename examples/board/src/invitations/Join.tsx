// Where the link of an invitation leads, as /board/invitations?token=…, or …/invitations/collection?token=… of another scope.
import { useMutation } from "urql";
import { hasCode, problemOf } from "../api/errors";
import { graphql } from "../api/generated";
import { pausing, Problem } from "../ui/form";
import { go, Heading, Link } from "../ui/router";

const Accept = graphql(`
  mutation Accept($token: String!) { acceptInvitation(token: $token) { tripId } }
`);

export function Join({ toTrip }: { toTrip: boolean }) {
  const [{ fetching, error }, accept] = useMutation(Accept);
  const token = new URLSearchParams(location.search).get("token") ?? "";

  async function join() {
    const { data } = await accept({ token });
    if (data?.acceptInvitation) go(`trips/${data.acceptInvitation.tripId}`);
  }
  return (
    <section className="panel narrow">
      <Heading>You are invited</Heading>
      <p>{toTrip ? "Join the trip, and plan it together." : "This is no invitation to a trip, and trips are all that this board shows. It stays open: accept it in an application that shows what you are invited to."}</p>
      {error && (
        <Problem>
          {hasCode(error, "NOT_FOUND")
            ? "This invitation is not open any more, or it is for another address than the one that you are signed in with."
            : problemOf(error)}
        </Problem>
      )}
      <div className="row">
        {toTrip && <button type="button" className="main" {...pausing(fetching, () => void join())}>Join the trip</button>}
        <Link to="">Not now</Link>
      </div>
    </section>
  );
}
