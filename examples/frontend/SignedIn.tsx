import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { auth } from "./session.ts";

/** Its children where somebody is signed in, otherwise the form to sign in. */
export function SignedIn({ children }: { children: ReactNode }) {
  const [user, setUser] = useState<string | null>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const { data } = auth.onAuthStateChange((_event, session) => setUser(session?.user.id ?? null));
    return () => data.subscription.unsubscribe();
  }, []);

  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const { error } = await auth.signInWithPassword({
      email: String(form.get("email")),
      password: String(form.get("password")),
    });
    setProblem(error?.message ?? "");
  }

  if (user === undefined) return null;
  if (user) {
    return (
      <>
        <button type="button" onClick={() => auth.signOut({ scope: "local" })}>Sign out</button>
        {children}
      </>
    );
  }
  return (
    <form onSubmit={signIn}>
      <label>Email <input name="email" type="email" defaultValue="ada@tripgate.example" required /></label>
      <label>Password <input name="password" type="password" defaultValue="tripgate-demo" required /></label>
      <button type="submit">Sign in</button>
      <p role="alert">{problem}</p>
    </form>
  );
}
