// Apollo Client with its links for headers and errors: `deno run apollo.js URL ACCESS_TOKEN REFRESH_TOKEN`.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors, ServerError } from "@apollo/client/errors";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { from, switchMap } from "rxjs";
import { asked, fetchNoting, isEnded, REFRESH, Tokens, TRIPS, VIEWER } from "./story.js";

const [url, access, refresh] = Deno.args;
const tokens = new Tokens(access, refresh);

let refreshing = null;
function refreshed() {
  refreshing ??= client.mutate({ mutation: gql(REFRESH), variables: { token: tokens.refresh } })
    .then(({ data }) => tokens.take(data.refreshSession.session));
  return refreshing;
}

const authorized = new SetContextLink(({ headers }) => ({ headers: { ...headers, Authorization: tokens.header } }));

const renewing = new ErrorLink(({ error, operation, forward }) => {
  const ended = CombinedGraphQLErrors.is(error)
    ? error.errors.some(isEnded)
    : ServerError.is(error) && error.statusCode === 401;
  if (!ended || operation.operationName === "Refresh") return;
  return from(refreshed()).pipe(switchMap(() => forward(operation)));
});

const client = new ApolloClient({
  link: ApolloLink.from([renewing, authorized, new HttpLink({ uri: url, fetch: fetchNoting(tokens) })]),
  cache: new InMemoryCache(),
});

const answers = await Promise.all([VIEWER, TRIPS].map((query) => client.query({ query: gql(query) })));
console.log(
  JSON.stringify({ data: answers.map(({ data }) => data), errors: answers.filter(({ error }) => error), asked }),
);
