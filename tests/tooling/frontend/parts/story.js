// What the clients ask for. Deferred: titles first, what each trip holds later, and how many there are beside them.
// Streamed: one trip with one item first, and the others later.
export const PARTS = {
  deferred: `query Parts {
    trips(orderBy: [{ title: ASC }]) {
      nodes { id title ...Items @defer(label: "items") }
      ... @defer(label: "total") { totalCount }
    }
  }
  fragment Items on Trip { items { nodes { id title } } }`,
  streamed: `query Parts {
    trips(orderBy: [{ title: ASC }]) {
      nodes @stream(initialCount: 1, label: "trips") {
        id
        title
        items(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1, label: "items") { id title } }
      }
      totalCount
    }
  }`,
};

export const fetchAs = (token) => (url, options) =>
  fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });

// What there is of it to be seen: titles, with items where these are there, and the total.
export const shown = (data) => [
  ...data.trips.nodes.map(({ title, items }) => [title, items?.nodes.map((item) => item.title) ?? null]),
  data.trips.totalCount ?? null,
];
