/** Reads the settings of systemd's units. */
import type { Findings, FormatInput, Span } from './findings.js';
import { joinedLines, type LinePart } from './joined-lines.js';

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

/** A comment may stand among lines that belong together. */
function partOf(text: string, before: string): LinePart {
  const raw = text.replace(/\r$/, '');
  if (/^\s*[#;]/.test(raw)) return { kept: '', more: before !== '' };
  const more = raw.endsWith('\\');
  return { kept: more ? `${raw.slice(0, -1)} ` : raw, more };
}

/** The settings of a unit, whatever their section. */
export function settingsOf({ source }: FormatInput, findings: Findings): Setting[] {
  const found: Setting[] = [];
  for (const { line, start, end } of joinedLines(source, partOf)) {
    const span = { source, start, end: Math.min(end, source.text.length) };
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
