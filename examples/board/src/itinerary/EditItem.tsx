// What can be done with an item: a new title, another place by buttons alone, and out of the plan.
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import { Field, pausing, Problem, Select, useForm } from "../ui/form";
import type { ChangeItems } from "./Itinerary";
import { type Item, type Place } from "./items";

const Rename = graphql(`
  mutation Rename($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { id } }
`);
const Remove = graphql(`
  mutation Remove($id: UUID!) { deleteTripItem(id: $id) { id } }
`);

type Props = {
  item: Item; here: Place; days: readonly number[];
  moveTo: (to: Place) => void; change: ChangeItems; onDone: () => void;
};

export function EditItem({ item, here: { dayNumber, position }, days, moveTo, change, onDone }: Props) {
  const [, rename] = useMutation(Rename);
  const [, remove] = useMutation(Remove);
  const { problems, busy, props } = useForm(
    ["title"],
    async ({ title = "" }) => (await rename({ id: item.id, title })).error,
    () => (onDone(), focusOn(`edit-${item.id}`)),
  );
  const dayOptions = Object.fromEntries(days.map((day) => [day, `Day ${day}`]));

  function takeOut() {
    focusOn(`add-${dayNumber}`);
    void change((items) => items.filter(({ id }) => id !== item.id), () => remove({ id: item.id }));
  }
  return (
    <div className="edit">
      <form {...props}>
        <Field label="Title" name="title" defaultValue={item.title} problem={problems["title"]} />
        <Problem>{problems["form"]}</Problem>
        <button type="submit" aria-disabled={busy}>Rename</button>
      </form>
      <div className="row">
        <button type="button" id={`up-${item.id}`} {...pausing(position === 0, () => moveTo({ dayNumber, position: position - 1 }))}>
          Move up
        </button>
        <button type="button" id={`down-${item.id}`} onClick={() => moveTo({ dayNumber, position: position + 1 })}>
          Move down
        </button>
        <Select label="Day" id={`day-of-${item.id}`} options={dayOptions} value={dayNumber}
          onChange={({ target }) => moveTo({ dayNumber: Number(target.value), position })} />
        <button type="button" className="danger" onClick={takeOut}>Remove</button>
      </div>
    </div>
  );
}

/** What has the focus goes away, so it moves on to something that stays. */
function focusOn(id: string) {
  document.getElementById(id)?.focus();
}
