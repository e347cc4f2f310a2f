/**
 * The values that a shell's text itself gives its variables: `BIN=tools; PATH_add $BIN`, the words of a loop, and
 * substitutions that only make a path absolute. What comes from elsewhere stays unknown.
 */

/** A word, in quotes or not, without anything in it that the shell would run. */
const word = String.raw`("[^"()\n]*"|'[^'\n]*'|[^\s"'();&|]+)`;
/** Substitutions whose result is the path that they are given; direnv's `find_up` looks for it in directories above. */
const absolute = new RegExp(
  String.raw`\$\(\s*(?:(?:realpath|readlink\s+-[a-z]*[efm]|expand_path|find_up)\s+(?:-{1,2}[\w-]*\s+)*${word}|cd\s+(?:-{1,2}P?\s+)?${word}[^()&;]*(?:&&|;)\s*pwd(?:\s+-P)?)\s*\)`,
  'g',
);

/** Puts the paths of such substitutions in their place. */
export const withPaths = (text: string): string =>
  text.replace(absolute, (_, path?: string, entered?: string) =>
    (path ?? entered ?? '').replace(/^["']|["']$/g, ''),
  );

const assignment =
  /(?:^|[\s;&|({])([A-Za-z_]\w*)=(?:\(([^()\n]*)\)|((?:"[^"\n]*"|'[^'\n]*'|[^\s;&|()"'`])+))/g;
const used = /\$(?:\{([A-Za-z_]\w*)(?:\[[@*\d]+\]|:?[-=+?][^{}]*)?\}|([A-Za-z_]\w*))/g;
/** How many values of a variable count, and how long a value may be. */
const maxValues = 8;
const maxLength = 200;
/** How long all that is read once more may be. */
const maxText = 1 << 18;

type Values = Map<string, string[]>;

/** Replaces the variables that are known, each by one of its values. */
const replaced = (text: string, values: Values, at: number): string =>
  text.replace(used, (whole, braced?: string, plain?: string) => {
    const found = values.get(braced ?? plain ?? '') ?? [];
    return found[at % found.length] ?? whole;
  });

function valuesIn(text: string): Values {
  const values: Values = new Map();
  for (const [, name = '', list, one = ''] of text.matchAll(assignment)) {
    const words = list === undefined ? [one] : list.split(/\s+/);
    for (const own of words) {
      const value = replaced(own.replace(/["']/g, ''), values, 0);
      // A list that is extended by itself has no value that is known.
      const isPlain = value !== '' && value.length <= maxLength && !value.includes(`$${name}`);
      const known = values.get(name) ?? [];
      if (!isPlain || known.includes(value) || known.length === maxValues) continue;
      values.set(name, [...known, value]);
    }
  }
  return values;
}

/** Returns the text once more for each value that its variables have; nothing if it sets none that it uses. */
export function withValues(text: string): string[] {
  const values = valuesIn(text);
  let count = 0;
  for (const [, braced, plain] of values.size === 0 ? [] : text.matchAll(used)) {
    count = Math.max(count, values.get(braced ?? plain ?? '')?.length ?? 0);
  }
  const most = Math.max(1, Math.floor(maxText / (text.length + 1)));
  return Array.from({ length: Math.min(count, most) }, (_, at) => replaced(text, values, at));
}

/** A loop over words. Its body counts up to a length, with or without its end, so that many loops cost little. */
const loop = /\bfor\s+(\w+)\s+in\s+([^;\n]{1,1000})[;\n]\s*do\b(?=([\s\S]{0,4000}))/g;
const maxLoops = 200;

const running = String.raw`(?:^|[;&|{(\n]|\b(?:source|source_env|source_env_if_exists|do|then|else|exec|(?:ba|da|z|k)?sh|node|python[\d.]*|ruby|perl)|\s\.)[ \t]*["']?(?:\./)?\$\{?`;
const taking = String.raw`(?:\b(?:PATH_add|load_prefix|path_add[ \t]+\w+)[ \t]+|PATH=)["']?(?:\./)?\$\{?`;

/**
 * Returns what loops read, run or take programs from by their variable, as commands: a word without a directory would else
 * be no more than a word.
 */
export function ofLoops(text: string): string[] {
  let left = maxLoops;
  return [...text.matchAll(loop)].flatMap(([, name = '', words = '', body = '']) => {
    const isBeyond = left-- <= 0;
    const has = (before: string) => isBeyond || new RegExp(`${before}${name}\\b`).test(body);
    const [runs, takes] = [has(running), has(taking)];
    const named = words.split(/\s+/).filter((one) => /[\w*?]/.test(one));
    return named.flatMap((one) => [
      ...(runs ? [`. ${one.includes('/') ? one : `./${one}`}`] : []),
      ...(takes ? [`PATH_add ${one}`] : []),
    ]);
  });
}
