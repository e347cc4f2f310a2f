/**
 * The working directories of jobs. Each job has its own, below one of the worker. A worker that was killed leaves its
 * directory: the next one on the same machine removes it.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobFile, SandboxJob } from './job.js';
import { invalidJob } from './schema.js';

const prefix = 'wasbox-worker';

/** When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)); undefined where it is gone. */
function startOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** A process ID means something only in its PID namespace and until the next boot. */
function epoch(): string {
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  return `${boot}-${namespace}`;
}

export class JobDirectories {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** @param parent where the worker's directory is made. @default the directory for temporary files */
  static async open(parent: string = tmpdir()): Promise<JobDirectories> {
    const here = epoch();
    const uid = process.getuid?.() ?? 0;
    const own = `${prefix}-${uid}-${here}`;
    await removeLeft(parent, own);
    const root = await mkdtemp(join(parent, `${own}-${process.pid}-${startOf('self')}-`));
    return new JobDirectories(root);
  }

  /** An empty directory. */
  async empty(): Promise<string> {
    return mkdtemp(join(this.#root, 'job-'));
  }

  /**
   * Makes a directory with the files of a job, of which no other process knows until it is returned.
   * @throws UsageError `ERR_JOB` where two of the paths exclude each other
   */
  async fill(files: SandboxJob['files'] = {}): Promise<string> {
    const directory = await this.empty();
    try {
      for (const [path, file] of Object.entries(files)) await write(directory, path, file);
      return directory;
    } catch (error) {
      await this.remove(directory);
      throw error;
    }
  }

  async remove(directory: string): Promise<void> {
    await rm(directory, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.remove(this.#root);
  }
}

const conflicts = new Set(['EEXIST', 'ENOTDIR', 'EISDIR']);

async function write(directory: string, path: string, file: JobFile): Promise<void> {
  const { text, base64, executable } = typeof file === 'string' ? { text: file } : file;
  const bytes = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
  const target = join(directory, path);
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    const handle = await open(target, 'wx', executable === true ? 0o755 : 0o644);
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (conflicts.has((error as NodeJS.ErrnoException).code ?? '')) {
      throw invalidJob(`files: ${JSON.stringify(path)} is also the directory of another file`);
    }
    throw error;
  }
}

/** Removes what workers of this user left here that no longer run. */
async function removeLeft(parent: string, own: string): Promise<void> {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) {
    const [, pid, started] = new RegExp(`^${own}-(\\d+)-(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || startOf(pid) === started) continue;
    // Others may make such names in /tmp, but none below a directory of this user.
    const { uid } = lstatSync(join(parent, name), { throwIfNoEntry: false }) ?? {};
    if (uid === process.getuid?.()) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}
