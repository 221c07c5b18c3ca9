// A live query, with one's own changes shown before the server has them.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { useEffect, useRef, useState } from "react";
import { type AnyVariables, type CombinedError, useSubscription } from "urql";

export type Sending = Promise<{ error?: CombinedError | undefined }>;
/** Shows `data` as `apply` makes it while `send` is under way. Gives the error, if there is one. */
export type Change<Data> = (apply: (data: Data) => Data, send: () => Sending) => Promise<CombinedError | undefined>;

type Pending<Data> = { apply: (data: Data) => Data; done: boolean };

/**
 * The server sends a whole new answer whenever it differs, so nothing is merged here: what is shown is the newest answer
 * with each pending change applied to it. A change that failed is dropped at once, one that was made with the next answer.
 * They are sent one after the other, since the network may turn their order around.
 */
export function useLive<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
) {
  const [{ data: answer, error }, retry] = useSubscription<Data, Data, Variables>({ query, variables });
  const [pending, setPending] = useState<readonly Pending<Data>[]>([]);
  const sent = useRef<Sending>(Promise.resolve({}));
  useEffect(() => setPending((all) => all.filter(({ done }) => !done)), [answer]);

  const change: Change<Data> = async (apply, send) => {
    const mine = { apply, done: false };
    setPending((all) => [...all, mine]);
    sent.current = sent.current.then(send);
    const { error } = await sent.current;
    if (error) setPending((all) => all.filter((one) => one !== mine));
    mine.done = true;
    return error;
  };
  const data = answer && pending.reduce<Data>((shown, { apply }) => apply(shown), answer);
  return { data, answer, error, retry, change };
}
