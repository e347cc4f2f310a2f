/**
 * The system call settings of systemd's units.
 *
 *   SystemCallFilter=@system-service      SystemCallFilter=~@privileged @resources:EPERM
 *   SystemCallErrorNumber=EPERM           SystemCallArchitectures=native          SystemCallLog=@debug
 *   MemoryDenyWriteExecute=yes            and the other settings that filter calls (systemd-features.ts)
 *
 * As systemd does: the first SystemCallFilter decides whether the list allows or refuses; later ones add to it
 * or, with the other sign, take away. An empty one begins anew. A list that allows has @default and write.
 */
import { groups } from '../../core/index.js';
import { Tables } from './calls.js';
import { Findings, type FormatInput, type FormatResult, type Span } from './findings.js';
import { type ListedCalls, layersText } from './layers.js';
import { featureNames, refusalsOf } from './systemd-features.js';
import { architectureNames, groupNames, missingCalls, notKnown } from './systemd-names.js';
import { type Setting, settingsOf } from './systemd-settings.js';

class Reader {
  private readonly findings: Findings;
  private readonly tables: Tables;
  private readonly groups = groups();

  constructor(findings: Findings, target: string) {
    this.findings = findings;
    this.tables = new Tables(target);
  }

  /** The calls that a word means; none, and a remark, for a word that systemd ignores. */
  private callsOf(word: string, span: Span): readonly string[] {
    const at = span.source.text.indexOf(word, span.start);
    const place = { ...span, start: at, end: at + word.length };
    if (word.startsWith('@')) {
      const members = groupNames.has(word.slice(1)) ? this.groups.get(word.slice(1)) : undefined;
      if (members === undefined) {
        const message = `left out: unknown group \`${word}\``;
        this.findings.warning({ code: 'unknown-group', span: place, message });
      }
      const isKnown = (call: string) => word !== '@known' || !notKnown.has(call);
      return members?.filter(isKnown) ?? [];
    }
    if (this.tables.has(word)) return [word];
    this.findings.unknownCall(place, word);
    return [];
  }

  /** `EPERM`, `1` or `kill` as an action. */
  action(word: string, span: Span): string | undefined {
    if (word === 'kill') return 'kill_process';
    const good = /^\d{1,4}$/.test(word)
      ? Number(word) <= 4095
      : /^E[A-Z0-9]+$/.test(word) && this.tables.constant(word) !== undefined;
    if (good) return `errno(${word})`;
    const hint = 'An errno is a name such as EPERM, or 0 to 4095, or kill.';
    this.findings.error({ code: 'errno', span, message: `not an errno: ${word}`, hint });
    return undefined;
  }

  /** All SystemCallFilter= settings together; undefined where nothing is filtered. */
  filter(settings: readonly Setting[], refusal: string): ListedCalls | undefined {
    let calls = new Map<string, string>();
    let allows: boolean | undefined;
    for (const setting of settings) {
      if (setting.value === '') {
        calls = new Map();
        allows = undefined;
        continue;
      }
      const inverted = setting.value.startsWith('~');
      if (allows === undefined) {
        allows = !inverted;
        if (allows) for (const call of this.groups.get('default') ?? []) calls.set(call, 'allow');
      }
      for (const item of setting.value.slice(inverted ? 1 : 0).split(/\s+/)) {
        if (item === '') continue;
        const [word = '', errno] = item.split(':');
        if (errno !== undefined && !inverted) {
          const message = `left out: \`${item}\`, because calls that are allowed have no errno`;
          this.findings.warning({ code: 'errno', span: setting, message });
          continue;
        }
        const action = errno === undefined ? refusal : this.action(errno, setting);
        for (const call of this.callsOf(word, setting)) {
          // A call that is taken from a list that allows may have an errno of its own.
          if (inverted && (!allows || errno !== undefined)) calls.set(call, action ?? refusal);
          else if (allows === inverted) calls.delete(call);
          else calls.set(call, 'allow');
        }
      }
    }
    if (allows === undefined) return undefined;
    if (allows) calls.set('write', 'allow');
    else calls.delete('write');
    return { calls, allows, otherwise: allows ? refusal : 'allow' };
  }

  /** Returns which calls SystemCallLog= names. */
  logged(settings: readonly Setting[]): (call: string) => boolean {
    let listed = new Set<string>();
    let logs: boolean | undefined;
    for (const setting of settings) {
      if (setting.value === '') {
        listed = new Set();
        logs = undefined;
        continue;
      }
      const inverted = setting.value.startsWith('~');
      logs ??= !inverted;
      for (const word of setting.value.slice(inverted ? 1 : 0).split(/\s+/)) {
        if (word === '') continue;
        for (const call of this.callsOf(word, setting)) {
          if (logs === inverted) listed.delete(call);
          else listed.add(call);
        }
      }
    }
    return (call) => logs !== undefined && listed.has(call) === logs;
  }

  /** The targets of SystemCallArchitectures=; undefined where all that the machine runs are. */
  architectures(settings: readonly Setting[], native: string): string[] | undefined {
    let found: Set<string> | undefined;
    for (const setting of settings) {
      if (setting.value === '') found = undefined;
      for (const word of setting.value.split(/\s+/)) {
        if (word === '') continue;
        const listed = Object.hasOwn(architectureNames, word) ? architectureNames[word] : undefined;
        const name = word === 'native' ? native : listed;
        found ??= new Set([native]);
        if (name !== undefined) {
          found.add(name);
        } else {
          const message = `unknown architecture \`${word}\``;
          this.findings.error({ code: 'architecture', span: setting, message });
        }
      }
    }
    return found && [...found];
  }
}

/** Architectures that a kernel of an architecture runs beside it. */
const siblings: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['x86_64', 'i386', 'x32'],
  aarch64: ['aarch64', 'arm'],
};

const own = new Set([
  'SystemCallFilter',
  'SystemCallErrorNumber',
  'SystemCallArchitectures',
  'SystemCallLog',
]);

export function readSystemd(input: FormatInput): FormatResult {
  const findings = new Findings();
  const settings = settingsOf(input, findings);
  const named = (name: string) => settings.filter((setting) => setting.name === name);
  const native = input.targets[0] ?? 'x86_64';
  const reader = new Reader(findings, native);
  const concerned = settings.some(({ name }) => own.has(name) || featureNames.has(name));
  if (!concerned && !findings.failed) {
    const span = { source: input.source, start: 0, end: 1 };
    const message = 'no setting that filters system calls, such as SystemCallFilter=';
    findings.error({ code: 'empty', span, message });
  }
  const archs = reader.architectures(named('SystemCallArchitectures'), native);
  const targets =
    input.targets.length > 0 ? input.targets : (archs ?? siblings[native] ?? [native]);
  const error = named('SystemCallErrorNumber').at(-1);
  const refusal =
    error === undefined || error.value === '' ? 'kill_process' : reader.action(error.value, error);
  const listed = reader.filter(named('SystemCallFilter'), refusal ?? 'kill_process');
  const refusals = refusalsOf(settings, findings);
  const text = layersText({
    targets,
    listed,
    refusals,
    logged: reader.logged(named('SystemCallLog')),
    known: groups().get('known') ?? [],
    // Where the list allows, systemd tells programs that calls it does not know are missing.
    missing: listed?.allows === true ? missingCalls : [],
    unknown: listed?.allows === true ? 'errno(ENOSYS)' : undefined,
    foreign: archs === undefined ? undefined : 'kill_thread',
  });
  if (archs === undefined && input.targets.length === 0)
    findings.warning({
      code: 'foreign',
      span: { source: input.source, start: 0, end: 1 },
      message:
        'without SystemCallArchitectures= systemd lets calls of other architectures pass; the policy kills them',
    });
  return { text: findings.failed ? undefined : text, diagnostics: findings.list };
}
