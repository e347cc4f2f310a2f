/** Says who reaches whom, by name. */
export type Graph = ReadonlyMap<string, Iterable<string>>;

/** Groups that reach each other in a circle: the strongly connected parts (Tarjan), each sorted. */
export function circles(graph: Graph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const lowest = (name: string, value: number) =>
    low.set(name, Math.min(low.get(name) ?? value, value));
  const visit = (name: string): void => {
    index.set(name, index.size);
    low.set(name, index.size - 1);
    stack.push(name);
    const targets = [...(graph.get(name) ?? [])];
    for (const target of targets) {
      if (!index.has(target)) {
        visit(target);
        lowest(name, low.get(target) ?? 0);
      } else if (stack.includes(target)) {
        lowest(name, index.get(target) ?? 0);
      }
    }
    if (low.get(name) !== index.get(name)) return;
    const part = stack.splice(stack.indexOf(name));
    if (part.length > 1 || targets.includes(name)) found.push(part.sort());
  };
  for (const name of graph.keys()) if (!index.has(name)) visit(name);
  return found;
}
