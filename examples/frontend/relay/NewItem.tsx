import { graphql, useMutation } from "react-relay";
import { type Input, ItemForm, type Problem } from "../ItemForm.tsx";
import type { NewItemMutation } from "./generated/NewItemMutation.graphql.ts";

const CREATE = graphql`
  mutation NewItemMutation($input: CreateTripItemInput!) {
    createTripItem(input: $input) { id }
  }
`;

export function NewItem({ tripId }: { tripId: string }) {
  const [createItem] = useMutation<NewItemMutation>(CREATE);

  const create = (input: Input) =>
    new Promise<readonly Problem[]>((resolve) =>
      createItem({
        variables: { input: { tripId, ...input } },
        // A root field that failed is null and leaves the others their answers, so its error comes here …
        onCompleted: (_answer, errors) => resolve((errors ?? []) as readonly Problem[]),
        // … and what could not run at all comes here.
        onError: (error) => resolve((error as { source?: { errors: Problem[] } }).source?.errors ?? [error]),
      })
    );

  return <ItemForm create={create} />;
}
