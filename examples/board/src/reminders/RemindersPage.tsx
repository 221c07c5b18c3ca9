// What somebody has asked to be reminded of, live: moved and cancelled here, and by what happens to its trip.
import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import { useLive } from "../api/live";
import { report } from "../ui/announcer";
import { Failure, GoingButton, pausing, Problem, useForm } from "../ui/form";
import { Heading, Link } from "../ui/router";
import { Phone } from "./Phone";
import { Clocks, momentOf, type Reminder, type Said, When, whenOf } from "./when";

const Reminders = graphql(`
  subscription Reminders {
    scheduledJobs(filter: { kind: { eq: REMINDER } }, orderBy: [{ runAt: DESC }], first: 100) {
      nodes { id runAt status reason payload trip { id title } }
    }
  }
`);
const Move = graphql(`
  mutation MoveReminder($id: UUID!, $runAt: DateTime, $daysBefore: Int, $localTime: Time) {
    moveScheduledJob(id: $id, runAt: $runAt, daysBefore: $daysBefore, localTime: $localTime) { id }
  }
`);
const Cancel = graphql(`
  mutation CancelReminder($id: UUID!) { cancelScheduledJob(id: $id) { id } }
`);
const SetZone = graphql(`
  mutation SetZone($zone: String!) { updateMyPreferences(patch: { timezone: $zone }) { timezone } }
`);

export function RemindersPage() {
  const { data, error, retry } = useLive(Reminders, {});
  const all = data?.scheduledJobs?.nodes ?? [];
  const [coming, over] = [true, false].map((is) => all.filter(({ status }) => (status === "SCHEDULED") === is));
  return (
    <>
      <Heading>Your reminders</Heading>
      <Phone />
      <section className="panel reminders" tabIndex={-1} aria-labelledby="coming" aria-busy={!data && !error}>
        <h2 id="coming">To come</h2>
        {error && !data && <Failure error={error} retry={retry} />}
        {data && coming?.length === 0 && <p>None. Ask for one on what a trip has planned.</p>}
        <ul>{coming?.toReversed().map((one) => <li key={one.id}><Words of={one} /> <Change reminder={one} /></li>)}</ul>
        <Zone />
      </section>
      {over && over.length > 0 && (
        <section className="panel reminders" aria-labelledby="over">
          <h2 id="over">Over</h2>
          <ul>{over.map((one) => <li key={one.id}><Words of={one} /></li>)}</ul>
        </section>
      )}
    </>
  );
}

function Words({ of }: { of: Reminder }) {
  return (
    <p>
      <strong>{(of.payload as Said).text}</strong> {whenOf(of)} {of.trip && <small><Link to={`trips/${of.trip.id}`}>{of.trip.title}</Link></small>}
    </p>
  );
}

function Change({ reminder }: { reminder: Reminder }) {
  const [isOpen, setIsOpen] = useState(false);
  const [, move] = useMutation(Move);
  const [{ fetching }, cancel] = useMutation(Cancel);
  const { id, payload } = reminder;
  const { problems, busy, props } = useForm(["runAt", "localTime"], async (values) => (await move({ id, ...momentOf(values) })).error, close);
  function close() {
    setIsOpen(false);
    document.getElementById(`move-${id}`)?.focus();
  }
  const named = (verb: string) => `${verb} “${(payload as Said).text}”`;
  return (
    <>
      <div className="row">
        <button type="button" id={`move-${id}`} aria-label={named("Move")} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>Move</button>
        <GoingButton aria-label={named("Cancel")} className="danger" {...pausing(fetching, async () => report((await cancel({ id })).error))}>Cancel</GoingButton>
      </div>
      {isOpen && (
        <form {...props} aria-label={named("Move")} onKeyDown={({ key }) => { if (key === "Escape") close(); }}>
          <When problems={problems} of={reminder} />
          <Problem>{problems["form"]}</Problem>
          <button type="submit" className="main" aria-disabled={busy}>Save</button>
        </form>
      )}
    </>
  );
}

/** By whose clocks times before a trip are. */
function Zone() {
  const zone = useLive(Clocks, {}).data?.myPreferences?.timezone;
  const [{ fetching }, set] = useMutation(SetZone);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return null;
  return (
    <p>
      Times of days before a trip are by the clocks of {zone}.{" "}
      {zone !== here && <GoingButton className="link" {...pausing(fetching, async () => report((await set({ zone: here })).error))}>Take those of {here}</GoingButton>}
    </p>
  );
}
