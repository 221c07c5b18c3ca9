import { useMemo, useState } from "react";
import { graphql, useSubscription } from "react-relay";
import type { NewsItemsSubscription } from "./generated/NewsItemsSubscription.graphql.ts";
import type { NewsMineSubscription } from "./generated/NewsMineSubscription.graphql.ts";

const MY_CHANGES = graphql`
  subscription NewsMineSubscription {
    myChanges {
      __typename
      ... on InvitationChange { operation invitation { id role } }
      ... on CollaboratorChange { operation collaborator { id role trip { id title } } }
      ... on LeftTrip { tripId }
    }
  }
`;
const ITEM_CHANGES = graphql`
  subscription NewsItemsSubscription($tripId: UUID!) {
    tripItemChanges(tripId: $tripId) { operation tripItem { id title } }
  }
`;

const DONE: { [operation: string]: string } = {
  INSERT: "was added",
  UPDATE: "was changed",
  DELETE: "Something was removed",
};

/** Says what happens on the trip and to oneself, as it happens. */
export function News({ tripId }: { tripId: string }) {
  const [said, say] = useState("");
  useSubscription<NewsMineSubscription>(useMemo(() => ({
    subscription: MY_CHANGES,
    variables: {},
    onNext(answer) {
      const change = answer?.myChanges;
      if (change?.__typename === "InvitationChange" && change.operation === "INSERT") say("There is an invitation");
      if (change?.__typename === "LeftTrip") say("You are on a trip no longer");
      if (change?.__typename === "CollaboratorChange" && change.collaborator?.trip) {
        say(`${change.collaborator.trip.title}: you are ${change.collaborator.role}`);
      }
    },
  }), []));
  useSubscription<NewsItemsSubscription>(useMemo(() => ({
    subscription: ITEM_CHANGES,
    variables: { tripId },
    onNext(answer) {
      if (!answer) return;
      const { operation, tripItem } = answer.tripItemChanges;
      say(`${tripItem?.title ?? ""} ${DONE[operation] ?? ""}`.trim());
    },
  }), [tripId]));
  return <p role="status">{said}</p>;
}
