import { Component, type ReactNode, Suspense, useState } from "react";
import { createRoot } from "react-dom/client";
import { RelayEnvironmentProvider } from "react-relay";
import { SignedIn } from "../SignedIn.tsx";
import { environment } from "./environment.ts";
import { NewItem } from "./NewItem.tsx";
import { News } from "./News.tsx";
import { Trip } from "./Trip.tsx";
import { Trips } from "./Trips.tsx";

/** Shows what a query threw, since Relay's hooks answer no errors. */
class Problems extends Component<{ children: ReactNode }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError = (error: Error) => ({ error });
  override render() {
    return this.state.error ? <p role="alert">{this.state.error.message}</p> : this.props.children;
  }
}

function App() {
  const [id, open] = useState<string>();
  return (
    <main>
      <Trips onOpen={open} />
      {id && (
        <Suspense key={id} fallback={<p>Loading …</p>}>
          <Trip id={id} />
          <NewItem tripId={id} />
          <News tripId={id} />
        </Suspense>
      )}
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <SignedIn>
    <RelayEnvironmentProvider environment={environment}>
      <Problems>
        <Suspense fallback={<p>Loading …</p>}>
          <App />
        </Suspense>
      </Problems>
    </RelayEnvironmentProvider>
  </SignedIn>,
);
