/** Catches what the command line writes, by descriptor, instead of writing it. */
import * as fs from 'node:fs';
import { vi } from 'vitest';

export interface Captured {
  readonly out: string;
  readonly err: string;
}

/** Runs `action` with write(2) on 1 and 2 replaced; needs `vi.mock('node:fs', { spy: true })`. */
export async function captured(action: () => unknown): Promise<Captured> {
  const texts: Record<number, string> = { 1: '', 2: '' };
  const { writeSync } = await vi.importActual<typeof fs>('node:fs');
  const spy = vi.mocked(fs.writeSync).mockImplementation(((
    ...args: [fd: number, bytes: Uint8Array]
  ) => {
    const [fd, bytes] = args;
    if (fd > 2) return writeSync(...args); // a file
    texts[fd] = (texts[fd] ?? '') + new TextDecoder().decode(bytes);
    return bytes.length;
  }) as typeof fs.writeSync);
  vi.stubEnv('FORCE_COLOR', '0');
  try {
    await action();
  } finally {
    vi.unstubAllEnvs();
    spy.mockRestore();
  }
  return { out: texts[1] ?? '', err: texts[2] ?? '' };
}
