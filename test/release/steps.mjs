// Reads how the hosted workflow makes a release, so that run.mjs does the same steps.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The packages that the job installs with apt beside the README's, and its other commands in order. */
export function releaseSteps() {
  const file = new URL('../../.github/workflows/ci.yml', import.meta.url);
  const { steps } = parse(readFileSync(file, 'utf8')).jobs.release;
  const all = steps.flatMap(({ run = [] }) => run);
  const isApt = (command) => command.startsWith('sudo apt-get ');
  const packages = all.filter(isApt).flatMap((command) => {
    const [, words = ''] = /apt-get install((?: [\w+.-]+)+)$/.exec(command) ?? [];
    return words.split(' ').filter((word) => /^[^-]/.test(word));
  });
  return { packages, commands: all.filter((command) => !isApt(command)) };
}
