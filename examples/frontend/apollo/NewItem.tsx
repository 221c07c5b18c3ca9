import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { useMutation } from "@apollo/client/react";
import { type Input, ItemForm } from "../ItemForm.tsx";
import { graphql } from "./generated";

const CREATE = graphql(`mutation CreateItem($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }`);

export function NewItem({ tripId }: { tripId: string }) {
  const [createItem] = useMutation(CREATE, { errorPolicy: "all" });

  async function create(input: Input) {
    const { error } = await createItem({ variables: { input: { tripId, ...input } } });
    if (!error) return [];
    return CombinedGraphQLErrors.is(error) ? error.errors : [{ message: error.message }];
  }

  return <ItemForm create={create} />;
}
