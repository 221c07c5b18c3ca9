// A form whose fields show what the server says of them.
import { type ComponentProps, type FormEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import type { CombinedError } from "urql";
import { problemOf, type Problems, problemsOf } from "../api/errors";

type Values = { [field: string]: string };
type Sent = Promise<CombinedError | undefined>;

/** `send` gets what was filled in, by name, and gives the error, if any. `onSent` is called when there was none. */
export function useForm(fields: readonly string[], send: (values: Values) => Sent, onSent?: () => void) {
  const [problems, setProblems] = useState<Problems>({});
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  async function onSubmit(event: FormEvent) {
    event.preventDefault();
    if (!form.current || busy) return;
    const values = Object.fromEntries(new FormData(form.current).entries()) as Values;
    setBusy(true);
    const found = problemsOf(await send(values), fields);
    setBusy(false);
    setProblems(found);
    const first = fields.find((field) => found[field]);
    if (first) form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
    else if (!found["form"]) {
      form.current?.reset();
      onSent?.();
    }
  }
  return { problems, busy, props: { ref: form, onSubmit, noValidate: true, "aria-busy": busy } };
}

export function Field({ label, problem, ...input }: { label: string; problem?: string | undefined } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} aria-invalid={Boolean(problem)} aria-describedby={`${id}-problem`} autoComplete="off" {...input} />
      <Problem id={`${id}-problem`}>{problem}</Problem>
    </div>
  );
}

export function Select({ label, options, ...select }: { label: string; options: Values } & ComponentProps<"select">) {
  const made = useId();
  const id = select.id ?? made; // one's own where the focus must be found again
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select {...select} id={id}>
        {Object.entries(options).map(([value, words]) => <option key={value} value={value}>{words}</option>)}
      </select>
    </div>
  );
}

/** In place of what could not be had. */
export function Failure({ error, retry }: { error: CombinedError; retry: () => void }) {
  return <Problem>{problemOf(error)} <GoingButton onClick={retry}>Try again</GoingButton></Problem>;
}

/** A button that does nothing for now. It keeps the focus, which one that is disabled would lose. */
export function pausing(paused: boolean, act: () => void) {
  return { "aria-disabled": paused, onClick: () => { if (!paused) act(); } };
}

/** One that goes away once it has done its work. What is around it and can have the focus has it then, or the heading. */
export function GoingButton(button: ComponentProps<"button">) {
  const own = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const [button, around] = [own.current, own.current?.closest<HTMLElement>("[tabindex='-1']")];
    return () => { if (document.activeElement === button) (around ?? document.querySelector("h1"))?.focus(); };
  }, []);
  return <button type="button" ref={own} {...button} />;
}

export function Problem({ id, children }: { id?: string; children: ReactNode }) {
  return <p id={id} className="problem" role="alert">{children}</p>;
}
