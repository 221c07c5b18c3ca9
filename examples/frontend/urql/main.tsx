import { useState } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { SignedIn } from "../SignedIn.tsx";
import { client } from "./client.ts";
import { NewItem } from "./NewItem.tsx";
import { News } from "./News.tsx";
import { Trip } from "./Trip.tsx";
import { Trips } from "./Trips.tsx";

function App() {
  const [id, open] = useState<string>();
  return (
    <main>
      <Trips onOpen={open} />
      {id && (
        <div key={id}>
          <Trip id={id} />
          <NewItem tripId={id} />
          <News tripId={id} />
        </div>
      )}
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <SignedIn>
    <Provider value={client}>
      <App />
    </Provider>
  </SignedIn>,
);
