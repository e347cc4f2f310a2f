/** Reads the newest results of `npm run bench`. Returns undefined where there are none. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function newestResults(root) {
  const folder = join(root, 'bench/results');
  const days = (existsSync(folder) ? readdirSync(folder) : []).filter((name) =>
    /^\d{4}-\d\d-\d\d$/.test(name),
  );
  const day = days.sort().at(-1);
  if (day === undefined) return undefined;
  return JSON.parse(readFileSync(join(folder, day, 'results.json'), 'utf8'));
}
