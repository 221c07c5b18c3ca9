import { useSubscription } from "urql";
import { graphql } from "../api/generated";
import { Failure } from "../ui/form";

const Mine = graphql(`
  subscription Mine { myInvitations { id } }
`);

/** One may not see a trip before one is on it, so this says no more than where the way in is. */
export function OpenInvitations() {
  const [{ data, error }, retry] = useSubscription({ query: Mine });
  const count = data?.myInvitations?.length ?? 0;
  if (error) return <Failure error={error} retry={retry} />;
  if (count === 0) return null;
  return <p className="panel" role="status">You are invited to {count === 1 ? "a trip" : `${count} trips`}. Follow the link in your mail.</p>;
}
