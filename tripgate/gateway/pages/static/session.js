// One person's session with this gateway: begun by signIn, continued by refreshSession, ended by signOut.
"use strict";

/* exported Session */
const Session = (() => {
  // sessionStorage: survives a reload, ends with the tab, and no other tab spends this one's refresh token.
  const KEY = "tripgate.session";
  const REFRESH_BEFORE_MS = 60_000;
  const LONGEST_TIMER_MS = 2 ** 31 - 1;
  const FIELDS = "session { accessToken refreshToken expiresAt } user { email }";

  const listeners = [];
  let timer;
  let refreshing;

  const current = () => JSON.parse(sessionStorage.getItem(KEY));

  function keep(session, reason = "") {
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
    schedule();
    for (const listener of listeners) listener(session, reason);
  }

  const remaining = (session) => Date.parse(session.expiresAt) - Date.now();

  // Early, and not at once again where sessions are shorter than that.
  const early = (session) => Math.min(REFRESH_BEFORE_MS, session.lifetime / 2);

  function schedule() {
    clearTimeout(timer);
    const session = current();
    if (!session) return;
    const wait = Math.max(0, remaining(session) - early(session));
    // A gateway that is away for a moment must not end the session: the next request tries again.
    timer = setTimeout(() => refresh().catch(() => {}), Math.min(wait, LONGEST_TIMER_MS));
  }

  function post(body, token, headers = {}, more = {}) {
    return fetch(location.pathname, {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json, application/json",
        "Content-Type": "application/json",
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: JSON.stringify(body),
      ...more,
    });
  }

  // The data of an answer; throws its first error as one with `code`.
  async function ask(query, variables, token) {
    const { data, errors } = await (await post({ query, variables }, token)).json();
    if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
    return data;
  }

  const from = ({ session, user }, name) => ({
    ...session,
    lifetime: remaining(session),
    email: user.email,
    name,
  });

  async function signIn(email, password) {
    const { signIn: payload } = await ask(
      `mutation SignIn($input: SignInInput!) { signIn(input: $input) { ${FIELDS} } }`,
      { input: { email, password } },
    );
    const { viewer } = await ask("query Viewer { viewer { displayName } }", {}, payload.session.accessToken);
    keep(from(payload, viewer?.displayName ?? email));
  }

  async function signOut() {
    const session = current();
    keep(null);
    // The token is forgotten whatever the gateway says; a session that has ended already needs no end.
    if (session) await ask("mutation SignOut { signOut }", {}, session.accessToken).catch(() => {});
  }

  // Continue the session, once however many ask; false when it cannot be continued.
  function refresh() {
    refreshing ??= refreshOnce().finally(() => (refreshing = undefined));
    return refreshing;
  }

  async function refreshOnce() {
    const before = current();
    if (!before) return false;
    let payload;
    try {
      payload = await ask(
        `mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { ${FIELDS} } }`,
        { token: before.refreshToken },
      );
    } catch (error) {
      if (!error.code || error.code === "UPSTREAM_UNAVAILABLE" || error.code === "TIMEOUT") throw error;
      if (current()?.refreshToken === before.refreshToken) keep(null, "The session has ended. Sign in again.");
      return false;
    }
    // Signed out, or in as somebody else, while the answer was on its way: that stands.
    if (current()?.refreshToken === before.refreshToken) keep(from(payload.refreshSession, before.name));
    return true;
  }

  // Send a GraphQL request as the person who is signed in. An Authorization of the caller's own goes before.
  async function respond(body, headers, more) {
    if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) {
      return post(body, undefined, headers, more);
    }
    const session = current();
    if (session && remaining(session) < early(session)) await refresh();
    const response = await post(body, current()?.accessToken, headers, more);
    if (response.status !== 401 || !current()) return response;
    // A token that is refused stops the request before it runs, so sending it again repeats nothing.
    await refresh();
    return post(body, current()?.accessToken, headers, more);
  }

  // The answer to a query or mutation.
  async function send(body, headers = {}) {
    return (await respond(body, headers)).json();
  }

  // How answers come that are several: how they are asked for, what stands between them, and what one of them says.
  const EVENTS = { accept: "text/event-stream", type: "text/event-stream", between: "\n\n", read: readEvent };
  const PARTS = {
    accept: "multipart/mixed;deferSpec=20220824, application/json",
    type: "multipart/mixed",
    between: "\r\n--graphql",
    read: readPart,
  };

  // The JSON of an event; null for the last, and undefined for signs of life.
  function readEvent(text) {
    const lines = text.split("\n");
    if (lines.includes("event: complete")) return null;
    return lines.find((line) => line.startsWith("data: "))?.slice("data: ".length);
  }

  // The JSON of a part, behind its headers.
  function readPart(text) {
    return text.split("\r\n\r\n", 2)[1];
  }

  // The answers to a subscription, as server-sent events.
  const stream = (body, headers = {}) => several(EVENTS, body, headers);

  // The parts of the answer to a query, each of which adds to the first; one alone, where nothing was put off.
  const parts = (body, headers = {}) => several(PARTS, body, headers);

  // Whoever stops reading ends it at once: the generator alone would first wait for the answer that it is reading.
  function several(format, body, headers) {
    const stop = new AbortController();
    const answers = read(format, body, headers, stop);
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => answers.next(),
      return: (value) => {
        stop.abort();
        return answers.return(value);
      },
    };
  }

  async function* read(format, body, headers, stop) {
    try {
      const response = await respond(body, { Accept: format.accept, ...headers }, { signal: stop.signal });
      if (!response.headers.get("Content-Type")?.startsWith(format.type)) {
        yield await response.json();
        return;
      }
      let text = "";
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const found = (text + value).split(format.between);
        text = found.pop();
        for (const json of found.map(format.read)) {
          if (json === null) return;
          if (json) yield JSON.parse(json);
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      stop.abort();
    }
  }

  function onChange(listener) {
    listeners.push(listener);
    listener(current(), "");
  }

  schedule();
  // What a page asks at its start needs nobody, so a session that has ended elsewhere would not be noticed.
  if (current()) send({ query: "query Viewer { viewer { id } }" }).catch(() => {});
  return { signIn, signOut, send, stream, parts, onChange };
})();
