// The number that messages go to: a code is sent there, and whoever reads it shows that it is theirs and wants them.
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import { useLive } from "../api/live";
import { announce, report } from "../ui/announcer";
import { Failure, Field, GoingButton, pausing, Problem, useForm } from "../ui/form";

const Contact = graphql(`
  subscription Contact { whatsappContact { phone pendingPhone verifiedAt optedInAt optedOutAt } }
`);
const LinkPhone = graphql(`
  mutation LinkPhone($phone: String!) { linkWhatsapp(phone: $phone) { id } }
`);
const Verify = graphql(`
  mutation VerifyPhone($code: String!) { verifyWhatsapp(code: $code) { id } }
`);
const Unlink = graphql(`
  mutation UnlinkPhone { unlinkWhatsapp }
`);

export function Phone() {
  const { data, error, retry } = useLive(Contact, {});
  const [{ fetching }, unlink] = useMutation(Unlink);
  const contact = data?.whatsappContact;
  const { phone, pendingPhone, optedOutAt } = contact ?? {};
  return (
    <section className="panel narrow" id="phone" tabIndex={-1} aria-label="Your number" aria-busy={!data && !error}>
      {error && !data && <Failure error={error} retry={retry} />}
      <p role="status">
        {contact?.verifiedAt && (optedOutAt
          ? `You have asked for no more messages to ${phone ?? "your WhatsApp"}. Write START there to have them again.`
          : `Reminders go to ${phone ?? "your WhatsApp"}. Write STOP there to have no more.`)}
        {data && !contact?.verifiedAt && "Link your WhatsApp number to be reminded there."}
      </p>
      {contact?.verifiedAt && <div><GoingButton {...pausing(fetching, async () => report((await unlink({})).error))}>Unlink this number</GoingButton></div>}
      {data && !contact?.verifiedAt && <NumberForm />}
      {pendingPhone && <CodeForm key={pendingPhone} phone={pendingPhone} />}
    </section>
  );
}

function NumberForm() {
  const [, link] = useMutation(LinkPhone);
  const { problems, busy, props } = useForm(["phone"], async ({ phone = "" }) => {
    const { error } = await link({ phone });
    if (!error) announce("A code is on its way to you by WhatsApp.");
    return error;
  });
  return (
    <form {...props}>
      <Field label="Number, with its country" name="phone" type="tel" autoComplete="tel" placeholder="+39 333 1234567" problem={problems["phone"]} />
      <Problem>{problems["form"]}</Problem>
      <button type="submit" className="main" aria-disabled={busy}>Send me a code</button>
    </form>
  );
}

function CodeForm({ phone }: { phone: string }) {
  const [, verify] = useMutation(Verify);
  const { problems, busy, props } = useForm(
    ["code"],
    async ({ code = "" }) => (await verify({ code })).error,
    () => document.getElementById("phone")?.focus(), // this form is gone by then, or soon
  );
  return (
    <form {...props}>
      <Field label={`The code that was sent to ${phone}`} name="code" inputMode="numeric" autoComplete="one-time-code" problem={problems["code"]} />
      <Problem>{problems["form"]}</Problem>
      <button type="submit" className="main" aria-disabled={busy}>This number is mine</button>
    </form>
  );
}
