/** How long ago something was, short enough for a table: `40s`, `5m`, `3h`, `12d`. */
const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

export function ago(time: string, now = Date.now()): string {
  const ms = Math.max(0, now - Date.parse(time));
  for (const [unit, size] of units) if (ms >= size) return `${Math.floor(ms / size)}${unit}`;
  return `${Math.floor(ms / 1000)}s`;
}
