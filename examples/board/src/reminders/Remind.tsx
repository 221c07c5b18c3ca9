// "Remind me" on what is planned, by WhatsApp; for everybody on the trip, whether they plan or look.
import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import type { Item } from "../itinerary/items";
import { announce } from "../ui/announcer";
import { Field, Problem, useForm } from "../ui/form";
import { Icon } from "../ui/Icon";
import { Link } from "../ui/router";
import { momentOf, When } from "./when";

const Schedule = graphql(`
  mutation Schedule($input: ScheduleReminderInput!) { scheduleReminder(input: $input) { id } }
`);

export function Remind({ item }: { item: Item }) {
  const [isOpen, setIsOpen] = useState(false);
  const id = `remind-${item.id}`;
  const close = () => (setIsOpen(false), document.getElementById(id)?.focus());
  return (
    <>
      <button type="button" id={id} className="quiet" aria-label={`Remind me of ${item.title}`} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Icon name="bell" />
      </button>
      {isOpen && <RemindForm item={item} onDone={close} />}
    </>
  );
}

const INPUT = "input."; // as errors call the fields

function RemindForm({ item: { id, tripId, title }, onDone }: { item: Item; onDone: () => void }) {
  const [, schedule] = useMutation(Schedule);
  const { problems, busy, props } = useForm([`${INPUT}text`, `${INPUT}runAt`, `${INPUT}localTime`], async (values) => {
    // Sent twice by whatever is between here and there, it is one reminder.
    const idempotencyKey = crypto.randomUUID();
    const input = { tripId, tripItemId: id, text: values[`${INPUT}text`] ?? "", ...momentOf(values, INPUT), idempotencyKey };
    const { error } = await schedule({ input });
    if (!error) announce(`You will be reminded of ${title}.`);
    return error;
  }, onDone);
  return (
    <form {...props} className="edit" aria-label={`Remind me of ${title}`} onKeyDown={({ key }) => { if (key === "Escape") onDone(); }}>
      <Field label="What to say" name={`${INPUT}text`} defaultValue={title} autoFocus problem={problems[`${INPUT}text`]} />
      <When prefix={INPUT} problems={problems} />
      <Problem>{problems["form"]}</Problem>
      <div className="row">
        <button type="submit" className="main" aria-disabled={busy}>Remind me</button>
        <Link to="reminders">Your number and reminders</Link>
      </div>
    </form>
  );
}
