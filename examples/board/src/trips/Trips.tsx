// The list of one's trips, live: it shows a trip as soon as one is on it.
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import { useLive } from "../api/live";
import { OpenInvitations } from "../invitations/OpenInvitations";
import { dates } from "../ui/dates";
import { Failure } from "../ui/form";
import { go, Heading, Link } from "../ui/router";
import { type Plan, TripForm } from "./TripForm";

const MyTrips = graphql(`
  subscription MyTrips {
    trips(orderBy: [{ startDate: ASC_NULLS_FIRST }], first: 100) {
      nodes {
        id title destination startDate endDate
        owner { displayName } items(first: 1) { totalCount } collaborators(first: 1) { totalCount }
      }
    }
  }
`);
const CreateTrip = graphql(`
  mutation CreateTrip($input: CreateTripInput!) { createTrip(input: $input) { id } }
`);

export function Trips() {
  const { data, error, retry } = useLive(MyTrips, {});
  const trips = data?.trips?.nodes;
  return (
    <>
      <Heading>Your trips</Heading>
      <OpenInvitations />
      {error && <Failure error={error} retry={retry} />}
      {trips?.length === 0 && <p>None yet. Begin one below, or have somebody invite you.</p>}
      <ul className="tiles" aria-busy={!data && !error}>
        {trips?.map((trip) => (
          <li key={trip.id}>
            <Link to={`trips/${trip.id}`} className="trip">
              <strong>{trip.title}</strong>
              <span>{[trip.destination, dates(trip.startDate, trip.endDate)].filter(Boolean).join(" · ")}</span>
              <span>
                {trip.items.totalCount} planned · by {trip.owner?.displayName}
                {trip.collaborators.totalCount > 0 && ` and ${trip.collaborators.totalCount} more`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <NewTrip />
    </>
  );
}

function NewTrip() {
  const [, createTrip] = useMutation(CreateTrip);

  async function begin(input: Plan) {
    const { data, error } = await createTrip({ input });
    if (data?.createTrip) go(`trips/${data.createTrip.id}`);
    return error;
  }
  return (
    <section className="panel narrow" aria-labelledby="new-trip">
      <h2 id="new-trip">A new trip</h2>
      <TripForm button="Begin" save={begin} />
    </section>
  );
}
