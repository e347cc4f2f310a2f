// The lines of a script that tries something with the real program, and what it ends with.
import { spawnSync } from 'node:child_process';

/** @returns what a program printed; throws where it fails */
export function must(argv, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${argv.join(' ')} ended with ${status}: ${error ?? ''}${stderr}${stdout}`);
}

export class Checks {
  failures = 0;

  /** Prints a line for what is to hold. */
  check = (good, what) => {
    console.log(`${good ? 'ok    ' : 'FAILED'} ${what}`);
    if (!good) this.failures++;
  };

  /** Notes what kept the others from being tried. */
  fail(error) {
    this.failures++;
    console.error(error);
  }

  end() {
    console.log(this.failures === 0 ? 'all passed' : `${this.failures} failed`);
    process.exit(this.failures === 0 ? 0 : 1);
  }
}
