import { useState } from "react";
import { graphql } from "../api/generated";
import { report } from "../ui/announcer";
import { Field, Problem, useForm } from "../ui/form";
import { Heading, usePath } from "../ui/router";
import { anonymous, keepSession } from "./session";

const SignInDocument = graphql(`
  mutation SignIn($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken expiresAt } } }
`);
const SignUpDocument = graphql(`
  mutation SignUp($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken expiresAt } } }
`);
const Confirm = graphql(`
  mutation Confirm($email: String!, $token: String!) {
    verifyOtp(email: $email, token: $token, type: SIGNUP) { session { accessToken refreshToken expiresAt } }
  }
`);

async function signIn(email: string, password: string) {
  const { data, error } = await anonymous.mutation(SignInDocument, { input: { email, password } }).toPromise();
  if (data?.signIn?.session) keepSession(data.signIn.session);
  return error;
}

export function SignIn() {
  const [isNew, setIsNew] = useState(false);
  const [unconfirmed, setUnconfirmed] = useState<string>();
  const isInvited = usePath() === "invitations";
  if (unconfirmed) return <ConfirmAddress email={unconfirmed} />;
  return (
    <section className="panel narrow">
      <Heading>{isNew ? "Make an account" : "Plan a trip together"}</Heading>
      {isInvited && <p>You are invited to a trip. Go on with the address that the invitation was sent to.</p>}
      {isNew ? <NewAccount onUnconfirmed={setUnconfirmed} /> : <KnownAccount />}
      <p>
        {isNew ? "You have an account?" : "New here?"}{" "}
        <button type="button" className="link" onClick={() => setIsNew(!isNew)}>
          {isNew ? "Sign in" : "Make an account"}
        </button>
      </p>
      {!isNew && <DemoAccounts />}
    </section>
  );
}

function KnownAccount() {
  const { problems, busy, props } = useForm(["email", "password"], ({ email = "", password = "" }) => signIn(email, password));
  return (
    <form {...props}>
      <Field label="E-mail address" name="email" type="email" autoComplete="username" problem={problems["email"]} />
      <Field label="Password" name="password" type="password" autoComplete="current-password" problem={problems["password"]} />
      <Problem>{problems["form"]}</Problem>
      <button type="submit" className="main" aria-disabled={busy}>Sign in</button>
    </form>
  );
}

function NewAccount({ onUnconfirmed }: { onUnconfirmed: (email: string) => void }) {
  const { problems, busy, props } = useForm(["displayName", "email", "password"], async (values) => {
    const { displayName = "", email = "", password = "" } = values;
    const { data, error } = await anonymous.mutation(SignUpDocument, { input: { displayName, email, password } }).toPromise();
    if (data?.signUp?.session) keepSession(data.signUp.session);
    else if (!error) onUnconfirmed(email);
    return error;
  });
  return (
    <form {...props}>
      <Field label="Your name" name="displayName" autoComplete="name" problem={problems["displayName"]} />
      <Field label="E-mail address" name="email" type="email" autoComplete="username" problem={problems["email"]} />
      <Field label="Password" name="password" type="password" autoComplete="new-password" problem={problems["password"]} />
      <Problem>{problems["form"]}</Problem>
      <button type="submit" className="main" aria-disabled={busy}>Make the account</button>
    </form>
  );
}

/** Where addresses must be confirmed: by the code of the mail. Its link leads here with a session, too. */
function ConfirmAddress({ email }: { email: string }) {
  const { problems, busy, props } = useForm(["token"], async ({ token = "" }) => {
    const { data, error } = await anonymous.mutation(Confirm, { email, token }).toPromise();
    if (data?.verifyOtp?.session) keepSession(data.verifyOtp.session);
    return error;
  });
  return (
    <section className="panel narrow">
      <Heading>Look into your mail</Heading>
      <p>We have sent a link and a code to {email}. Follow the link, or write the code here.</p>
      <form {...props}>
        <Field label="Code" name="token" inputMode="numeric" autoComplete="one-time-code" problem={problems["token"]} />
        <Problem>{problems["form"]}</Problem>
        <button type="submit" className="main" aria-disabled={busy}>Confirm</button>
      </form>
    </section>
  );
}

/** `tripgate dev` writes its demo accounts into the page, as `address:password` with commas between them. */
function DemoAccounts() {
  const accounts = document.querySelector<HTMLMetaElement>('meta[name="demo-accounts"]')?.content.split(",") ?? [];
  if (accounts.length === 0) return null;
  return (
    <fieldset>
      <legend>Or try it as</legend>
      {accounts.map((account) => account.split(":")).map(([email = "", password = ""]) => (
        <button key={email} type="button" onClick={async () => report(await signIn(email, password))}>{email.split("@")[0]}</button>
      ))}
    </fieldset>
  );
}
