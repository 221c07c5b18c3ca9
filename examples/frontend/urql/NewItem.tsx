import { useMutation } from "urql";
import { type Input, ItemForm } from "../ItemForm.tsx";
import { graphql } from "./generated";

const CREATE = graphql(`mutation CreateItem($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }`);

export function NewItem({ tripId }: { tripId: string }) {
  const [, createItem] = useMutation(CREATE);

  async function create(input: Input) {
    const { error } = await createItem({ input: { tripId, ...input } });
    if (!error) return [];
    return error.networkError ? [error.networkError] : error.graphQLErrors;
  }

  return <ItemForm create={create} />;
}
