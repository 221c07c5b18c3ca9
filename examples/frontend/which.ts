/** Which trips a list begins with, and how many there are: something to compare lists by. */
export function which(totalCount: number, edges: readonly { node: { id: string } }[]): string {
  return [totalCount, ...edges.slice(0, 10).map(({ node }) => node.id)].join();
}
