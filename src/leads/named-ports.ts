/** Finds ports that a program names: those that it would listen on, and those of servers that it would ask. */
import { spoken } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { FailedRun } from './packages.js';
import { listeners } from './services.js';

/** Signs of a server, with the port that it takes where the program names none. */
const servers: readonly (readonly [sign: RegExp, port?: number])[] = [
  [/\bFlask\(/, 5000],
  [/\buvicorn\.run\(/, 8000],
  [/\b(?:serve_forever|run_simple|run_app|socketio\.run|app\.run)\b|\b(?:app|server)\.listen\(/],
];
const portForms = [
  /\blisten\(\s*(\d{2,5})\b/g,
  /\bport\s*[=:]\s*(\d{2,5})\b/gi,
  /\bPORT\b['"\])]*\s*(?:\|\||\?\?|,)\s*['"]?(\d{2,5})\b/g,
  /\bServer\(\s*\(\s*["'][\w.]*["']\s*,\s*(\d{2,5})\s*\)/g,
];

/** Returns a line for a server that failed before it listened, for what else it lacked. */
export function serverPorts({ text, spec, offered }: FailedRun): string[] {
  const signs = servers.filter(([sign]) => sign.test(text));
  const hasPorts = spec.net === 'host' || (spec.network?.publish.length ?? 0) > 0;
  if (signs.length === 0 || hasPorts || offered.options.length + offered.packages.length === 0)
    return [];
  const named = portForms.flatMap((form) =>
    [...text.matchAll(form)].map(([, port]) => Number(port)),
  );
  const usual = signs.flatMap(([, port]) => port ?? []);
  const ports = new Set(named.length > 0 ? named : usual);
  const [port = 0] = ports;
  if (ports.size !== 1 || port < 1 || port > 65_535) return [];
  offered.options.push(`--publish ${port}`);
  return [`it names port ${port}, which would be open inside only. To reach it: --publish ${port}`];
}

/** More ports than these are no lead. */
const portsMax = 3;

/** Servers that programs ask on their usual port. */
const clients: readonly (readonly [sign: RegExp, name: string, port: number])[] = [
  [
    /\bpsql\b|\bpg_dump\b|\bpsycopg2?\b|\bpostgres(?:ql)?:\/\/|\basyncpg\b|["']pg["']/,
    'PostgreSQL',
    5432,
  ],
  [/\bmysql\b|\bmysqldump\b|\bpymysql\b|\bmysql2?\b/i, 'MySQL', 3306],
  [/\bredis(?:-cli)?\b/, 'Redis', 6379],
  [/\bmongodb:\/\/|\bpymongo\b|\bmongoose\b|\bmongosh\b/, 'MongoDB', 27_017],
];

const isReached = ({ net, network }: SandboxSpec, port: number): boolean =>
  net === 'host' || network?.text.split(',').includes(`localhost:${port}`) === true;

/**
 * Returns a line for each server of this machine's loopback that the program names.
 * @param refused ports that its last output names
 */
export function localServers(
  { text, spec, report, offered, start }: FailedRun,
  refused: readonly number[],
): string[] {
  const told = refused.slice(0, portsMax).map((port) => `localhost:${port}`);
  const own = [text, ...report.argv, ...told].join('\n');
  const ports = [...own.matchAll(/\b(?:localhost|127\.0\.0\.1):(\d{2,5})\b/g)].map(([, port]) => ({
    port: Number(port),
    name: 'a server',
  }));
  const isLocal = /\blocalhost\b|\b127\.0\.0\.1\b/.test(own);
  const known = clients
    .filter(([sign]) => isLocal && sign.test(own))
    .map(([, name, port]) => ({ name, port }));
  const all = new Map([...ports, ...known].map((one) => [one.port, one]));
  if (all.size === 0 || all.size > portsMax) return [];
  const there = listeners();
  const before = start === undefined ? '' : `${start} `;
  return [...all.values()].flatMap(({ name, port }) => {
    if (isReached(spec, port)) return [];
    const option = `--net localhost:${port}`;
    if (there.has(port)) {
      offered.options.push(option);
      return [
        spoken`it names ${name} on port ${port} of this machine. If it may reach it: ${before}--net localhost:${port}`,
      ];
    }
    return known.some((one) => one.port === port)
      ? [
          spoken`it names ${name} on port ${port}, where nothing of this machine listens. Once it does: ${before}--net localhost:${port}`,
        ]
      : [];
  });
}
