import { useSubscription } from "@apollo/client/react";
import { useState } from "react";
import { graphql } from "./generated";

const MY_CHANGES = graphql(`
  subscription MyChanges {
    myChanges {
      __typename
      ... on InvitationChange { operation invitation { id role } }
      ... on CollaboratorChange { operation collaborator { id role trip { id title } } }
      ... on LeftTrip { tripId }
    }
  }
`);
const ITEM_CHANGES = graphql(`
  subscription ItemChanges($tripId: UUID!) {
    tripItemChanges(tripId: $tripId) { operation tripItem { id title } }
  }
`);

const DONE = { INSERT: "was added", UPDATE: "was changed", DELETE: "Something was removed", RESYNC: "" };

/** Says what happens on the trip and to oneself, as it happens. */
export function News({ tripId }: { tripId: string }) {
  const [said, say] = useState("");
  useSubscription(MY_CHANGES, {
    onData({ data: { data } }) {
      const change = data?.myChanges;
      if (change?.__typename === "InvitationChange" && change.operation === "INSERT") say("There is an invitation");
      if (change?.__typename === "LeftTrip") say("You are on a trip no longer");
      if (change?.__typename === "CollaboratorChange" && change.collaborator?.trip) {
        say(`${change.collaborator.trip.title}: you are ${change.collaborator.role}`);
      }
    },
  });
  useSubscription(ITEM_CHANGES, {
    variables: { tripId },
    onData({ data: { data } }) {
      if (data) say(`${data.tripItemChanges.tripItem?.title ?? ""} ${DONE[data.tripItemChanges.operation]}`.trim());
    },
  });
  return <p role="status">{said}</p>;
}
