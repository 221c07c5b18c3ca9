// Who has this trip open now.
import { type CSSProperties, useEffect } from "react";
import { useSubscription } from "urql";
import { graphql } from "../api/generated";
import { announce } from "../ui/announcer";
import { Failure } from "../ui/form";

const Here = graphql(`
  subscription Here($tripId: UUID!) {
    tripPresence(tripId: $tripId) {
      people { id displayName } joined { id displayName } left { displayName }
    }
  }
`);

export function Presence({ tripId, me }: { tripId: string; me: string }) {
  const [{ data, error }, retry] = useSubscription({ query: Here, variables: { tripId } });
  const presence = data?.tripPresence;
  useEffect(() => {
    for (const { id, displayName } of presence?.joined ?? []) if (id !== me) announce(`${displayName} is here.`);
    for (const { displayName } of presence?.left ?? []) announce(`${displayName} has left.`);
  }, [presence, me]);
  if (error) return <Failure error={error} retry={retry} />;
  return (
    <ul className="presence" aria-label="Here now">
      {presence?.people.map(({ id, displayName }) => (
        <li key={id} title={displayName}>
          <span className="avatar" style={{ "--hue": hueOf(id) } as CSSProperties} aria-hidden="true">{initials(displayName)}</span>
          <span>{displayName.split(" ")[0]}</span>
        </li>
      ))}
    </ul>
  );
}

function initials(name: string): string {
  return name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
}

function hueOf(id: string): number {
  return [...id].reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7) % 360;
}
