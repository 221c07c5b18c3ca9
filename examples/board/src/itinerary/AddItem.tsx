import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import type { TripItemKind } from "../api/generated/graphql";
import { Field, Problem, Select, useForm } from "../ui/form";
import { type Item, itemsOfDay, KINDS } from "./items";

const Add = graphql(`
  mutation Add($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }
`);

export function AddItem({ tripId, day, items }: { tripId: string; day: number; items: readonly Item[] }) {
  const [isOpen, setIsOpen] = useState<boolean>(); // undefined until it was open once
  const [, add] = useMutation(Add);
  const { problems, busy, props } = useForm(["title"], async ({ title = "", kind }) => {
    const orderIndex = 1 + Math.max(-1, ...itemsOfDay(items, day).map((item) => item.orderIndex)); // the day's last
    return (await add({ input: { tripId, title, kind: kind as TripItemKind, dayNumber: day, orderIndex } })).error;
  });
  if (!isOpen) {
    const props = { id: `add-${day}`, className: "quiet", autoFocus: isOpen === false, onClick: () => setIsOpen(true) };
    return <button type="button" {...props}>+ Add to day {day}</button>;
  }
  return (
    <form {...props} className="edit" onKeyDown={({ key }) => { if (key === "Escape") setIsOpen(false); }}>
      <Field label={`New on day ${day}`} name="title" autoFocus problem={problems["title"]} />
      <Problem>{problems["form"]}</Problem>
      <div className="row">
        <Select label="Kind" name="kind" options={KINDS} />
        <button type="submit" className="main" aria-disabled={busy}>Add</button>
        <button type="button" onClick={() => setIsOpen(false)}>Close</button>
      </div>
    </form>
  );
}
