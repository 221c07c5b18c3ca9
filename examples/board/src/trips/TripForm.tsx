import type { CombinedError } from "urql";
import { Field, Problem, useForm } from "../ui/form";

export type Plan = { title: string; startDate: string | null; endDate: string | null };
type Props = { trip?: Plan; button: string; save: (plan: Plan) => Promise<CombinedError | undefined> };

/** For a new trip, and for one that is there. */
export function TripForm({ trip, button, save }: Props) {
  const { problems, busy, props } = useForm(["title", "startDate", "endDate"], ({ title = "", startDate, endDate }) =>
    save({ title, startDate: startDate || null, endDate: endDate || null }));
  const date = (name: "startDate" | "endDate") => ({ name, type: "date", defaultValue: trip?.[name] ?? "", problem: problems[name] });
  return (
    <form {...props}>
      <Field label="Title" name="title" defaultValue={trip?.title} placeholder="A long weekend in Rome" problem={problems["title"]} />
      <div className="row"><Field label="First day" {...date("startDate")} /><Field label="Last day" {...date("endDate")} /></div>
      <Problem>{problems["form"]}</Problem>
      <button type="submit" className="main" aria-disabled={busy}>{button}</button>
    </form>
  );
}
