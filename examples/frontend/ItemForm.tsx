import { type FormEvent, useState } from "react";

export type Input = { title: string; cost: string | null };
export type Problem = { message: string; extensions?: { [key: string]: unknown } };

/** A form for a new item. `create` answers what the gateway found wrong; each message stands at the field it names. */
export function ItemForm({ create }: { create: (input: Input) => Promise<readonly Problem[]> }) {
  const [problems, setProblems] = useState<readonly Problem[]>([]);

  // Not as the form's `action`: React empties such a form whatever comes of it, and what was refused is to be mended.
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const filled = new FormData(form);
    const found = await create({ title: String(filled.get("title")), cost: String(filled.get("cost")) || null });
    setProblems(found);
    if (found.length === 0) form.reset();
  }

  const at = (field: string) => problems.filter((problem) => problem.extensions?.field === field);
  const elsewhere = problems.filter((problem) => !["title", "cost"].includes(String(problem.extensions?.field)));
  const said = (some: readonly Problem[]) => some.map(({ message }) => message).join(" ");
  return (
    <form onSubmit={submit}>
      <label>Title <input name="title" aria-describedby="title-problem" /></label>
      <p id="title-problem" role="alert">{said(at("title"))}</p>
      <label>Cost <input name="cost" inputMode="decimal" aria-describedby="cost-problem" /></label>
      <p id="cost-problem" role="alert">{said(at("cost"))}</p>
      <p role="alert">{said(elsewhere)}</p>
      <button type="submit">Add</button>
    </form>
  );
}
