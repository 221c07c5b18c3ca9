// One trip: everything that is shown of it comes with one live query, to which each part adds its fragment.
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import { useLive } from "../api/live";
import { Assistant } from "../assistant/Assistant";
import { People } from "../invitations/People";
import { Itinerary } from "../itinerary/Itinerary";
import { Pictures } from "../pictures/Pictures";
import { Presence } from "../presence/Presence";
import { TripForm } from "../trips/TripForm";
import { dates } from "../ui/dates";
import { Failure } from "../ui/form";
import { Heading } from "../ui/router";

const Board = graphql(`
  subscription Board($id: UUID!) {
    trip(id: $id) {
      id title destination startDate endDate durationDays
      ...People
      items(orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }, { createdAt: ASC }], first: 100) {
        totalCount nodes { ...Item }
      }
    }
  }
`);
const Update = graphql(`
  mutation UpdateTrip($id: UUID!, $patch: TripPatch!) { updateTrip(id: $id, patch: $patch) { id } }
`);

export function TripPage({ id, me }: { id: string; me: string | undefined }) {
  const { data, answer, error, retry, change } = useLive(Board, { id });
  const [, update] = useMutation(Update);
  if (error) return <Failure error={error} retry={retry} />;
  if (!data || !me) return <p aria-busy="true">Loading…</p>;
  const trip = data.trip;
  // Gone, or one is on it no longer: the answer is the same, and comes at once.
  if (!trip) return <p>There is no such trip, or you are not on it.</p>;
  const mine = trip.collaborators.nodes.find(({ user }) => user?.id === me);
  const owns = trip.owner?.id === me;
  const mayEdit = owns || mine?.role === "EDITOR";
  return (
    <>
      <header className="heading">
        <div>
          <Heading>{trip.title}</Heading>
          <p>{[trip.destination, dates(trip.startDate, trip.endDate)].filter(Boolean).join(" · ")}</p>
        </div>
        <Presence tripId={trip.id} me={me} />
      </header>
      <div className="beside">
        <div>
          <Itinerary
            trip={trip}
            confirmed={answer?.trip?.items.nodes ?? trip.items.nodes}
            mayEdit={mayEdit}
            change={(apply, send) => change((shown) => ({ trip: shown.trip && apply(shown.trip) }), send)}
          />
        </div>
        <Assistant trip={trip} mayEdit={mayEdit} />
      </div>
      <Pictures tripId={trip.id} me={me} owns={owns} mayEdit={mayEdit} />
      <People trip={trip} owns={owns} />
      {owns && (
        <details className="panel narrow">
          <summary>Change title and dates</summary>
          <TripForm trip={trip} button="Save" save={async (patch) => (await update({ id, patch })).error} />
        </details>
      )}
    </>
  );
}
