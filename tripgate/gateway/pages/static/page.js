// The page: the bar with the accounts, and GraphiQL, whose requests go out as the person who is signed in.
"use strict";

// GraphiQL's dialogs add a style element while they are open; by this name it takes the nonce that the policy allows.
globalThis.__webpack_nonce__ = document.currentScript.nonce;

// Events of a subscription that are shown, the newest first.
const MOST_EVENTS = 200;
const IN_PARTS = /@\s*(defer|stream)\b/;
const DEFAULT_QUERY = `# Sign in above, then press Run or Ctrl-Enter.
# Everybody sees what row level security allows.

query TripsWithItems {
  trips(first: 5, orderBy: [{ startDate: DESC }]) {
    totalCount
    nodes {
      title
      destination
      status
      startDate
      items(orderBy: [{ startsAt: ASC }]) {
        nodes {
          dayNumber
          kind
          title
          place {
            name
            city
          }
        }
      }
    }
  }
}
`;

function showBar() {
  const group = document.getElementById("accounts");
  const status = document.getElementById("status");
  const signOut = document.getElementById("sign-out");
  const other = document.getElementById("other");

  function say(text, wrong = false) {
    status.textContent = text;
    status.title = text;
    status.classList.toggle("wrong", wrong);
  }

  // While one click is being answered, a second one waits.
  async function during(action, fail = (error) => say(error.message, true)) {
    const buttons = [...document.querySelectorAll("#bar button, #sign-in button")];
    for (const button of buttons) button.disabled = true;
    try {
      await action();
    } catch (error) {
      fail(error);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  const accounts = JSON.parse(document.body.dataset.accounts);
  const buttons = accounts.map(({ name, email, password }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.title = `Sign in as ${email}`;
    button.dataset.email = email;
    button.addEventListener("click", () => during(() => Session.signIn(email, password)));
    return button;
  });
  other.before(...buttons);
  signOut.addEventListener("click", () => during(Session.signOut));
  askForAnAccount(other, during);

  Session.onChange((session, reason) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.email === session?.email));
    }
    other.setAttribute("aria-pressed", String(Boolean(session) && !accounts.some(({ email }) => email === session.email)));
    signOut.hidden = !session;
    say(session ? `Signed in as ${session.name}` : reason || "Not signed in", Boolean(reason));
  });
}

// The form for any account. A wrong password is said in it, and it stays open.
function askForAnAccount(opener, during) {
  const dialog = document.getElementById("sign-in");
  const form = dialog.querySelector("form");
  const wrong = document.getElementById("sign-in-wrong");

  opener.addEventListener("click", () => {
    wrong.textContent = "";
    dialog.showModal();
  });
  form.querySelector("[value=cancel]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => (form.elements.password.value = ""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong.textContent = "";
    const { email, password } = form.elements;
    during(
      async () => {
        await Session.signIn(email.value, password.value);
        dialog.close();
      },
      (error) => (wrong.textContent = error.message),
    );
  });
}

// All events of a subscription in one answer, the newest first, since that is where one looks.
async function* asList(answers) {
  const events = [];
  let received = 0;
  for await (const answer of answers) {
    received += 1;
    events.unshift({ at: new Date().toISOString(), ...answer });
    events.length = Math.min(events.length, MOST_EVENTS);
    yield { received, ...(received > events.length ? { shown: events.length } : {}), events: [...events] };
  }
}

// GraphiQL ends what it follows by `return`, which a generator would put off until its next event.
function listed(answers) {
  const list = asList(answers);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => list.next(),
    return: (value) => {
      answers.return();
      return Promise.resolve({ done: true, value });
    },
  };
}

function showGraphiQL() {
  const isSubscription = ({ operationName }, { documentAST } = {}) =>
    documentAST?.definitions.some(
      ({ operation, name }) => operation === "subscription" && (!operationName || name?.value === operationName),
    );
  const fetcher = (request, options) => {
    if (isSubscription(request, options)) {
      Explain.none("Subscriptions are not explained. Ask the same as a query.");
      return listed(Session.stream(request, options?.headers));
    }
    // An explanation is of a whole answer.
    if (IN_PARTS.test(request.query) && !Explain.asked()) return Session.parts(request, options?.headers);
    // What GraphiQL asks of itself, to know the schema, is nobody's question.
    if (request.operationName === "IntrospectionQuery") return Session.send(request, options?.headers);
    return Explain.around(request, (body) => Session.send(body, options?.headers));
  };
  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, { fetcher, defaultQuery: DEFAULT_QUERY, defaultEditorToolsVisibility: false }),
  );
}

showBar();
Explain.show(document.body.dataset.explains === "true");
showGraphiQL();
