import { useQuery } from "urql";
import { graphql } from "./api/generated";
import { Join } from "./invitations/Join";
import { PlanPage } from "./plan/PlanPage";
import { RemindersPage } from "./reminders/RemindersPage";
import { SignIn } from "./session/SignIn";
import { signOut, useSession } from "./session/session";
import { TripPage } from "./trip/TripPage";
import { Trips } from "./trips/Trips";
import { Announcer } from "./ui/announcer";
import { Failure } from "./ui/form";
import { Link, usePath } from "./ui/router";

const Viewer = graphql(`
  query Viewer { viewer { id displayName } }
`);

export function App() {
  const signedIn = useSession() !== null;
  const [{ data, error }, retry] = useQuery({ query: Viewer, pause: !signedIn });
  return (
    <>
      <header className="bar">
        <Link to="" className="brand">Tripgate board</Link>
        {signedIn && <span className="me">{data?.viewer?.displayName}</span>}
        {signedIn && <Link to="plan">Plan</Link>}
        {signedIn && <Link to="reminders">Reminders</Link>}
        {signedIn && <button type="button" onClick={() => void signOut()}>Sign out</button>}
      </header>
      <main>
        {error && <Failure error={error} retry={() => retry({ requestPolicy: "network-only" })} />}
        {signedIn ? <Page me={data?.viewer?.id} /> : <SignIn />}
      </main>
      <Announcer />
    </>
  );
}

function Page({ me }: { me: string | undefined }) {
  const [page, id] = usePath().split("/");
  if (page === "trips" && id) return <TripPage key={id} id={id} me={me} />;
  if (page === "invitations") return <Join toTrip={!id} />;
  if (page === "plan") return <PlanPage />;
  if (page === "reminders") return <RemindersPage />;
  return <Trips />;
}
