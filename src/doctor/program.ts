/** The library's `doctor`. What it tries is loaded when it is first called: few programs do. */
import type { Diagnosis } from './diagnosis.js';

/** Checks what sandboxes need on this machine, as `wasbox doctor` does; rejects nothing that it finds. */
export async function doctor(): Promise<Diagnosis> {
  const { diagnose } = await import('./doctor.js');
  return diagnose();
}
