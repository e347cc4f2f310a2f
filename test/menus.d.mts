/** Lists by menu and name: a line about it, its commands in order, and variables of theirs. */
export const menus: Readonly<
  Record<
    'nightly' | 'bench' | 'fuzz',
    Readonly<
      Record<string, readonly [about: string, commands: string[][], env?: Record<string, string>]>
    >
  >
>;
