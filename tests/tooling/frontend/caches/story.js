// What both clients do: two pages of trips, and a new title for the first.
export const LIST = `query TripList($first: Int!, $after: String) {
  trips(first: $first, after: $after, orderBy: [{ title: ASC }]) {
    edges { cursor node { id title } }
    pageInfo { endCursor hasNextPage }
  }
}`;

export const RENAME = `mutation RenameTrip($id: UUID!, $title: String!) {
  updateTrip(id: $id, patch: { title: $title }) { id title }
}`;

// The operations that went to the gateway.
export const asked = [];

export const fetchAs = (token) => (url, options) => {
  asked.push(JSON.parse(options.body).operationName);
  return fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
};

export const shown = ({ trips }) => trips.edges.map((edge) => edge.node.title);
