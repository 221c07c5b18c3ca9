import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { Defer20220824Handler } from "@apollo/client/incremental";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { from, switchMap, throwError } from "rxjs";
import { GRAPHQL_URL } from "../config.ts";
import { authorization, isEnded, renew } from "../session.ts";
import { socket } from "../socket.ts";

const authorized = new SetContextLink(async ({ headers }) => ({ headers: { ...headers, ...await authorization() } }));

// What a token was refused for is asked again with another one, once.
const renewing = new ErrorLink(({ error, operation, forward }) => {
  if (!CombinedGraphQLErrors.is(error) || !isEnded(error.errors) || operation.getContext().renewed) return;
  operation.setContext({ renewed: true });
  return from(renew()).pipe(switchMap((done) => done ? forward(operation) : throwError(() => error)));
});

export const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    ApolloLink.from([renewing, authorized, new HttpLink({ uri: GRAPHQL_URL })]),
  ),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { trips: relayStylePagination(["filter", "orderBy"]) } } },
  }),
  incrementalHandler: new Defer20220824Handler(),
});
