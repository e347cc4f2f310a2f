/** `WWW-Authenticate`: what a registry wants to be shown (RFC 9110, section 11). */

export interface Challenge {
  /** The scheme in lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;

/** The first challenge of a scheme that registries use. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const match = /^\s*(bearer|basic)\b\s*/i.exec(header ?? '');
  if (match === null || header === undefined || header.length > 8192) return undefined;
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  let rest = header.slice(match[0].length);
  for (;;) {
    const name = token.exec(rest)?.[0];
    if (name === undefined) break;
    rest = rest.slice(name.length);
    if (!/^\s*=/.test(rest)) break;
    rest = rest.replace(/^\s*=\s*/, '');
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(rest);
    const value = quoted === null ? token.exec(rest)?.[0] : quoted[1];
    if (value === undefined) break;
    parameters[name.toLowerCase()] = quoted === null ? value : value.replace(/\\(.)/g, '$1');
    rest = rest.slice(quoted === null ? value.length : quoted[0].length).replace(/^\s*,\s*/, '');
  }
  return { scheme: (match[1] ?? '').toLowerCase(), parameters };
}
