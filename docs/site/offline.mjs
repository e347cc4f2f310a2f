// The service worker and the list of files that it caches, so that the site works offline after one visit.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .sort();

/** Writes service-worker.js, whose cache is named by the content of everything in it. */
export function writeServiceWorker(outdir, source) {
  const files = filesBelow(outdir).filter((path) => !path.endsWith('.map'));
  const hash = createHash('sha256');
  for (const path of files) hash.update(path).update(readFileSync(path));
  const names = files.map((path) => relative(outdir, path));
  const head = `const version = ${JSON.stringify(hash.digest('hex').slice(0, 16))};
const files = ${JSON.stringify(names)};
`;
  writeFileSync(join(outdir, 'service-worker.js'), head + source);
  return { files: names.length, bytes: files.reduce((sum, path) => sum + statSync(path).size, 0) };
}
