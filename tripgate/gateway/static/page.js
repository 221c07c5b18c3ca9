// The page: the bar with the demo accounts, and GraphiQL, whose requests go out as the person who is signed in.
"use strict";

// GraphiQL's dialogs add a style element while they are open; by this name it takes the nonce that the policy allows.
globalThis.__webpack_nonce__ = document.currentScript.nonce;

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

  function say(text, wrong = false) {
    status.textContent = text;
    status.title = text;
    status.classList.toggle("wrong", wrong);
  }

  // While one click is being answered, a second one waits.
  async function during(action) {
    const buttons = [...document.querySelectorAll("#bar button")];
    for (const button of buttons) button.disabled = true;
    try {
      await action();
    } catch (error) {
      say(error.message, true);
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
  group.append(...buttons);
  group.hidden = accounts.length === 0;
  signOut.addEventListener("click", () => during(Session.signOut));

  Session.onChange((session, reason) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.email === session?.email));
    }
    signOut.hidden = !session;
    say(session ? `Signed in as ${session.name}` : reason || "Not signed in", Boolean(reason));
  });
}

function showGraphiQL() {
  const isSubscription = ({ operationName }, { documentAST } = {}) =>
    documentAST?.definitions.some(
      ({ operation, name }) => operation === "subscription" && (!operationName || name?.value === operationName),
    );
  const fetcher = (request, options) =>
    (isSubscription(request, options) ? Session.stream : Session.send)(request, options?.headers);
  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, { fetcher, defaultQuery: DEFAULT_QUERY, defaultEditorToolsVisibility: false }),
  );
}

showBar();
showGraphiQL();
