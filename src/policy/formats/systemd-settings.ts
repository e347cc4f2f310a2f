/** Reads the settings of systemd's units. */
import type { Findings, FormatInput, Span } from './findings.js';

/** A setting of a unit. */
export interface Setting extends Span {
  readonly name: string;
  readonly value: string;
}

const yes = /^(?:1|yes|y|true|t|on)$/i;
const no = /^(?:0|no|n|false|f|off)$/i;

/** True or false; undefined for other words. */
export function readBoolean(value: string): boolean | undefined {
  return yes.test(value) ? true : no.test(value) ? false : undefined;
}

const mostSettings = 4096;

/** The settings of a unit, whatever their section. */
export function settingsOf({ source }: FormatInput, findings: Findings): Setting[] {
  const found: Setting[] = [];
  const { text } = source;
  for (let at = 0; at < text.length; ) {
    const start = at;
    let line = '';
    for (let more = true; more && at < text.length; ) {
      const next = text.indexOf('\n', at);
      const end = next < 0 ? text.length : next;
      const raw = text.slice(at, end).replace(/\r$/, '');
      at = end + 1;
      const comment = /^\s*[#;]/.test(raw);
      more = comment ? line !== '' : raw.endsWith('\\');
      if (!comment) line += more ? `${raw.slice(0, -1)} ` : raw;
    }
    const span = { source, start, end: Math.min(at, text.length) };
    if (/^\s*(?:\[[^\]]*\]\s*)?$/.test(line)) continue;
    const [, name, value = ''] = /^\s*(\w[\w-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) findings.error({ code: 'syntax', span, message: 'not NAME=VALUE' });
    else found.push({ ...span, name, value });
    if (found.length > mostSettings) {
      findings.error({ code: 'too-large', span, message: `more than ${mostSettings} settings` });
      break;
    }
  }
  return found;
}
