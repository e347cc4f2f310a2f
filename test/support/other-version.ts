/** An installation whose bundles say that they are another version. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Identity } from './identity.js';

/** The command of each, by its scratch directory. */
const others = new Map<string, string>();

/** Returns the user with an installation of another version, as far as its commands go. */
export function otherVersion(as: Identity): Identity {
  let cli = others.get(as.scratch);
  if (cli === undefined) {
    const place = join(as.scratch, `other-${process.pid}`);
    fs.cpSync(dirname(as.cli), place, { recursive: true });
    for (const name of fs.readdirSync(place).filter((file) => /^cli-.*\.(cjs|cache)$/.test(file))) {
      const path = join(place, name);
      if (name.endsWith('.cache')) fs.rmSync(path);
      else fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replaceAll('"0.1.0"', '"0.1.9"'));
    }
    cli = join(place, 'cli.js');
    others.set(as.scratch, cli);
  }
  return { ...as, cli };
}
