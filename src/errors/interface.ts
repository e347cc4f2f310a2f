/**
 * Says whose words a hint uses: options of the command line, properties of the library, or what an agent can say over
 * MCP. One process has one interface. Every copy of wasbox in it asks here, since bundles have one each.
 */

export type Interface = 'command' | 'library' | 'mcp';

const key: unique symbol = Symbol.for('wasbox.interface') as never;
const shared = globalThis as { [key]?: Interface };

/** Called by what a process begins with: the command line, the MCP server. */
export const speakAs = (one: Interface): void => {
  shared[key] = one;
};

/** Called by each function of the library: its caller's program has no other interface, unless it was said. */
export const speakAsLibrary = (): void => {
  shared[key] ??= 'library';
};

export const spokenInterface = (): Interface => shared[key] ?? 'command';

/** One of several texts. */
export const byInterface = <T>(texts: Readonly<Record<Interface, T>>): T =>
  texts[spokenInterface()];
