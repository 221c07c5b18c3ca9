// Relay's store, with the queries that the compiler wrote: `deno run relay.js URL TOKEN`. Prints what a view of a trip
// showed over time, and what was asked.
import {
  commitMutation,
  Environment,
  fetchQuery,
  getSingularSelector,
  Network,
  RecordSource,
  Store,
} from "relay-runtime";
import RenameTrip from "../relay/generated/documentsRenameTripMutation.graphql.ts";
import TripDetail from "../relay/generated/documentsTripDetailQuery.graphql.ts";
import TripItemsQuery from "../relay/generated/documentsTripItemsQuery.graphql.ts";
import TripCard from "../relay/generated/documents_tripCard.graphql.ts";
import TripItems from "../relay/generated/documents_tripItems.graphql.ts";

const [url, token, id] = Deno.args;
const asked = [];

const environment = new Environment({
  // Records are kept by the identifier that is unique across types, which relay.config.json names too.
  getDataID: (record) => record.nodeId,
  network: Network.create(async ({ name, text }, variables) => {
    asked.push(name);
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  }),
  store: new Store(new RecordSource()),
});

const { trip } = await fetchQuery(environment, TripDetail, { id }).toPromise();
const card = environment.lookup(getSingularSelector(TripCard, trip));
const views = [card.data.title];
environment.subscribe(card, ({ data }) => views.push(data.title));

await new Promise((resolve, reject) =>
  commitMutation(environment, {
    mutation: RenameTrip,
    variables: { id, patch: { title: "Renamed" } },
    onCompleted: resolve,
    onError: reject,
  })
);
const { node } = await fetchQuery(environment, TripItemsQuery, { nodeId: trip.__id, count: 1 }).toPromise();
const { data } = environment.lookup(getSingularSelector(TripItems, node));
console.log(JSON.stringify({ views, items: data.items.edges.map((edge) => edge.node.title), asked }));
