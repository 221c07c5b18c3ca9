import {
  Environment,
  type GraphQLResponse,
  Network,
  Observable,
  RecordSource,
  type RequestParameters,
  Store,
  type Variables,
} from "relay-runtime";
import { GRAPHQL_URL } from "../config.ts";
import { authorization, isEnded, renew } from "../session.ts";
import { socket } from "../socket.ts";

// What a token was refused for is asked again with another one, once.
async function ask(request: RequestParameters, variables: Variables, renewed = false): Promise<GraphQLResponse> {
  const response = await fetch(GRAPHQL_URL, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json",
      ...await authorization(),
    },
    body: JSON.stringify({ query: request.text, operationName: request.name, variables }),
  });
  const answer = await response.json();
  if (!renewed && isEnded(answer.errors ?? []) && await renew()) return ask(request, variables, true);
  return answer;
}

export const environment = new Environment({
  // `id` is the row's key; `nodeId` is unique across types, as Relay needs it.
  getDataID: (record) => record.nodeId as string,
  network: Network.create(
    (request, variables) => ask(request, variables),
    ({ name, text }, variables) =>
      Observable.create((sink) =>
        socket.subscribe({ query: text ?? "", operationName: name, variables }, {
          next: (answer) => sink.next(answer as GraphQLResponse),
          error: (problem) => sink.error(Array.isArray(problem) ? new Error(problem[0].message) : problem as Error),
          complete: () => sink.complete(),
        })
      ),
  ),
  store: new Store(new RecordSource()),
});
