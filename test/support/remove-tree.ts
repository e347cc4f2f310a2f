import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

/** Removes a directory. Layers of overlays are left without permissions by the kernel; owners may still remove them. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    execFileSync('chmod', ['-R', 'u+rwX', path], { stdio: 'ignore' });
    rmSync(path, { recursive: true, force: true });
  }
}
