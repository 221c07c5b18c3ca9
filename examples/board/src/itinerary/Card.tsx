// One thing that is planned.
import type { KeyboardEvent, PointerEvent } from "react";
import { Remind } from "../reminders/Remind";
import { Votes } from "../votes/Votes";
import { Icon } from "../ui/Icon";
import { EditItem } from "./EditItem";
import type { ChangeItems } from "./Itinerary";
import { type Item, KINDS, type Place, placeOf } from "./items";

type Props = {
  item: Item; items: readonly Item[]; days: readonly number[];
  mayEdit: boolean; isDragged: boolean; isOpen: boolean;
  onToggle: () => void; onDrag: (event: PointerEvent<HTMLElement>) => void;
  moveTo: (to: Place) => void; change: ChangeItems;
};

export function Card(props: Props) {
  const { item, items, days, mayEdit, isDragged, isOpen, onToggle, onDrag, moveTo, change } = props;
  const here = placeOf(items, item);

  function onArrow(event: KeyboardEvent) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!steps) return;
    event.preventDefault();
    const position = here.position + steps[0]!;
    const dayNumber = days[days.indexOf(here.dayNumber) + steps[1]!];
    if (position >= 0 && dayNumber) moveTo({ dayNumber, position });
  }

  return (
    <li className="card" data-item={item.id} data-kind={item.kind} data-dragged={isDragged}>
      {mayEdit && (
        <button type="button" id={`move-${item.id}`} className="handle" onPointerDown={onDrag} onKeyDown={onArrow}
          aria-label={`Move ${item.title}`} aria-describedby="how-to-move">
          <Icon name="handle" />
        </button>
      )}
      <div className="what">
        <h3>{item.title}</h3>
        <p className="kind">{KINDS[item.kind]}</p>
      </div>
      {mayEdit && (
        <button type="button" id={`edit-${item.id}`} className="quiet" aria-label={`Edit ${item.title}`} aria-expanded={isOpen} onClick={onToggle}>
          <Icon name="more" />
        </button>
      )}
      <Votes item={item} change={change} />
      <Remind item={item} />
      {mayEdit && isOpen && (
        <EditItem item={item} here={here} days={days} moveTo={moveTo} change={change} onDone={onToggle} />
      )}
    </li>
  );
}
