// Asking an agent about the trip: what it says is seen as it says it, and what it proposes is applied by a person alone.
import { useState } from "react";
import { useMutation, useSubscription } from "urql";
import { problemOf } from "../api/errors";
import { graphql } from "../api/generated";
import type { Trip } from "../itinerary/items";
import { report } from "../ui/announcer";
import { Field, GoingButton, pausing, Problem, useForm } from "../ui/form";
import { heard, NONE, type Proposal, proposedDays, wentWrong } from "./answer";

const Ask = graphql(`
  mutation Ask($input: RunAiAgentInput!) { run: runAiAgent(input: $input) { id conversationId } }
`);
const Rearrange = graphql(`
  mutation Rearrange($trip: UUID!) { run: optimizeItinerary(tripId: $trip) { id } }
`);
const Run = graphql(`
  subscription Run($id: UUID!) { aiRun(id: $id) { status errorCode result isApplicable } }
`);
const Said = graphql(`
  subscription Said($run: UUID!) { change: aiMessageChanges(runId: $run) { operation id delta aiMessage { role content } } }
`);
const Stop = graphql(`
  mutation StopRun($id: UUID!) { cancelAiRun(id: $id) { id } }
`);
const Apply = graphql(`
  mutation ApplyItinerary($run: UUID!) { applyItinerary(runId: $run) { id } }
`);

const PROMPT = "input.prompt"; // as errors call it
const SHOWN = 5; // turns, since each follows its run
type Turn = { id: string; asked: string; proposes: boolean };

export function Assistant({ trip, mayEdit }: { trip: Trip; mayEdit: boolean }) {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [conversation, setConversation] = useState<string | null>(null);
  const [, ask] = useMutation(Ask);
  const [rearranging, rearrange] = useMutation(Rearrange);
  const begin = (id: string | undefined, asked: string, proposes: boolean) => {
    if (id) setTurns((all) => [...all, { id, asked, proposes }].slice(-SHOWN));
  };
  const { problems, busy, props } = useForm([PROMPT], async ({ [PROMPT]: prompt = "" }) => {
    // The key is this question's: sent twice, it is asked and paid for once.
    const idempotencyKey = crypto.randomUUID();
    const input = { agentKey: "assistant", prompt, tripId: trip.id, conversationId: conversation, idempotencyKey };
    const { data, error } = await ask({ input });
    if (data?.run) setConversation(data.run.conversationId);
    begin(data?.run?.id, prompt, false);
    return error;
  });
  async function propose() {
    const { data } = await rearrange({ trip: trip.id });
    begin(data?.run?.id, "Suggest a better order", true);
  }
  return (
    <section className="panel assistant" aria-labelledby="assistant">
      <h2 id="assistant">Assistant</h2>
      {turns.map((turn) => <Answer key={turn.id} turn={turn} trip={trip} mayEdit={mayEdit} />)}
      <form {...props}>
        <Field name={PROMPT} label="Ask about this trip" problem={problems[PROMPT]} />
        <div className="row">
          <button className="main" aria-disabled={busy}>Ask</button>
          <button type="button" {...pausing(rearranging.fetching, () => void propose())}>Suggest a better order</button>
        </div>
        <Problem>{problems["form"] ?? problemOf(rearranging.error)}</Problem>
      </form>
    </section>
  );
}

function Answer({ turn, trip, mayEdit }: { turn: Turn; trip: Trip; mayEdit: boolean }) {
  const [{ data, error }] = useSubscription({ query: Run, variables: { id: turn.id } });
  const [said] = useSubscription({ query: Said, variables: { run: turn.id } }, heard);
  const [, stop] = useMutation(Stop);
  const run = data?.aiRun;
  const goesOn = !run || run.status === "QUEUED" || run.status === "RUNNING";
  const { summary, itinerary } = (run?.result ?? NONE) as Proposal;
  return (
    <article aria-label={turn.asked} tabIndex={-1} aria-busy={goesOn && !error}>
      <p className="asked">{turn.asked}</p>
      <div role="log" aria-busy={goesOn && !error}>
        {!turn.proposes && said.data?.map(({ id, content }) => <p key={id}>{content}</p>)}
        {summary && <p>{summary}</p>}
      </div>
      {itinerary && <Proposed run={turn.id} itinerary={itinerary} trip={trip} mayApply={mayEdit && run?.isApplicable === true} />}
      <Problem>{problemOf(error ?? said.error) ?? wentWrong(run)}</Problem>
      {goesOn && !error && <GoingButton onClick={async () => report((await stop({ id: turn.id })).error)}>Stop</GoingButton>}
    </article>
  );
}

function Proposed({ run, itinerary, trip, mayApply }: { run: string; itinerary: NonNullable<Proposal["itinerary"]>; trip: Trip; mayApply: boolean }) {
  const [{ data, fetching }, apply] = useMutation(Apply);
  const applied = Boolean(data?.applyItinerary);
  return (
    <>
      <ul>{proposedDays(itinerary, trip.items.nodes).map(([day, titles]) => <li key={day}><strong>Day {day}</strong> {titles.join(", ")}</li>)}</ul>
      <button type="button" className="main" {...pausing(fetching || applied || !mayApply, async () => report((await apply({ run })).error))}>{applied ? "Applied" : "Apply"}</button>
    </>
  );
}
