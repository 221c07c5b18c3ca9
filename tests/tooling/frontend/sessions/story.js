// What both clients do: ask under a token that has ended, refresh the session, and ask again. Neither is told to leave the
// old token out of the request for the new one.
export const VIEWER = "query Viewer { viewer { id } }";
export const TRIPS = "query Trips { trips { totalCount } }";
export const REFRESH = `mutation Refresh($token: String!) {
  refreshSession(refreshToken: $token) { session { accessToken refreshToken } }
}`;

export class Tokens {
  constructor(access, refresh) {
    this.old = access;
    this.take({ accessToken: access, refreshToken: refresh });
  }

  take({ accessToken, refreshToken }) {
    this.access = accessToken;
    this.refresh = refreshToken;
  }

  get header() {
    return `Bearer ${this.access}`;
  }
}

// What went to the gateway: each operation, and whether the old token or the new one came along.
export const asked = [];

export const fetchNoting = (tokens) => (url, options) => {
  const sent = new Headers(options.headers).get("Authorization");
  asked.push([JSON.parse(options.body).operationName, sent === `Bearer ${tokens.old}` ? "old" : "new"]);
  return fetch(url, options);
};

export const isEnded = (error) => error.extensions?.code === "UNAUTHENTICATED";
