/**
 * The order of the runs and their age, where the machine's clock is wrong or was set. The file `clock` has the highest
 * count that an ID began with; addon/rundir/id.c reads and writes it, too. The file `clock-seen` has what the clock said
 * beside the time since the boot:
 *
 *     1 1795694400000 86400000 90000000 1b4e28ba-2fa1-11d2-883f-0016d3cca427
 *
 * which are milliseconds since 1970, milliseconds since the boot, until when by the latter the clock is in doubt, and
 * the ID of the boot.
 */
import { readFileSync } from 'node:fs';
import { errnoOf, openRoot, openToRead, withFd } from '../files/fdtree.js';
import { isTick } from './id.js';
import { writeWhole } from './record.js';
import type { Store } from './state-dir.js';

const clockName = Buffer.from('clock');
const seenName = Buffer.from('clock-seen');

const digits = '0123456789abcdefghjkmnpqrstvwxyz';
const day = 86_400_000;

function read(store: Store, name: Buffer): string {
  try {
    return withFd(openRoot(store.native, store.directory), (state) =>
      withFd(openToRead(store.native, state, name), (fd) => readFileSync(fd, 'latin1')),
    );
  } catch (error) {
    errnoOf(error); // there is none yet, or it cannot be read
    return '';
  }
}

function write(store: Store, name: Buffer, text: string): void {
  try {
    withFd(openRoot(store.native, store.directory), (state) =>
      writeWhole(store.native, state, name, text, false),
    );
  } catch (error) {
    errnoOf(error); // the clock alone decides
  }
}

/** The count after the highest one, for a run that is continued now; undefined if there is none yet. */
export function nextTick(store: Store): string | undefined {
  const last = read(store, clockName).slice(0, 7);
  if (!isTick(last)) return undefined;
  let count = [...last].reduce((sum, digit) => sum * 32 + digits.indexOf(digit), 0) + 1;
  let text = '';
  for (let i = 0; i < 7; i++) {
    text = (digits[count % 32] ?? '0') + text;
    count = Math.floor(count / 32);
  }
  write(store, clockName, text);
  return text;
}

/** Describes what tells the time beside the clock. */
export interface Boot {
  readonly sinceMs: number;
  readonly id: string;
}

function thisBoot(): Boot {
  const [seconds = '0'] = readFileSync('/proc/uptime', 'latin1').split(' ');
  const id = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return { sinceMs: Math.round(Number(seconds) * 1000), id };
}

interface Seen extends Boot {
  readonly nowMs: number;
  readonly doubtMs: number;
}

function parseSeen(text: string): Seen | undefined {
  const match = /^1 (\d{1,15}) (\d{1,15}) (\d{1,15}) ([0-9a-f-]{1,64})\n$/.exec(text);
  if (match === null) return undefined;
  const [, now, since, doubt, id = ''] = match;
  return { nowMs: Number(now), sinceMs: Number(since), doubtMs: Number(doubt), id };
}

/** A machine that was off for longer is taken for one whose clock is wrong: for a day. */
const longestPause = 60 * day;

function wasSet(seen: Seen, nowMs: number, boot: Boot): boolean {
  if (seen.id !== boot.id) return nowMs < seen.nowMs - day || nowMs > seen.nowMs + longestPause;
  return Math.abs(nowMs - seen.nowMs - (boot.sinceMs - seen.sinceMs)) > day;
}

/**
 * Returns whether the age of runs can be told by the clock: not for a day after it was set by more than a day. Notes
 * what it says.
 * @param lookedMs what it said when the runs were last looked at, where no more is known
 */
export function isClockPlausible(
  store: Store,
  nowMs: number,
  lookedMs: number | undefined,
  boot: Boot = thisBoot(),
): boolean {
  const looked =
    lookedMs === undefined ? undefined : { nowMs: lookedMs, sinceMs: 0, doubtMs: 0, id: '' };
  const seen = parseSeen(read(store, seenName)) ?? looked;
  let doubtMs = 0;
  if (seen !== undefined && wasSet(seen, nowMs, boot)) doubtMs = boot.sinceMs + day;
  else if (seen?.id === boot.id) doubtMs = seen.doubtMs;
  else if (seen !== undefined && seen.doubtMs > seen.sinceMs) doubtMs = boot.sinceMs + day;
  write(store, seenName, `1 ${nowMs} ${boot.sinceMs} ${doubtMs} ${boot.id}\n`);
  return boot.sinceMs >= doubtMs;
}
