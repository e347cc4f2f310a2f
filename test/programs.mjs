// The programs that tests start beyond what the README asks for, as Debian packages of .ci/packages.txt. Where one is missing,
// the tests are left out and test/run.mjs tells of them.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from './support/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The engine of the native command, which is built where its sources are. */
const engine = ['wasbox-engine'];

/**
 * Whole files, whose imports may need the programs: they are not even loaded.
 * @type {readonly [files: RegExp, ...packages: string[]][]}
 */
const files = [
  [/^test\/browser\//, 'chromium'],
  [/^test\/docs\/manual/, 'man-db', 'mandoc', 'groff'],
  [
    /^test\/integration\/(terminal|terminal-shell)\.test/,
    'tmux',
    'screen',
    'less',
    'vim',
    'procps',
  ],
  [/^test\/attacks\/asking-terminal/, 'tmux', 'screen'],
  [/^test\/integration\/(engine(-\w+)?|release-refused)\.test/, ...engine],
  [/^test\/integration\/(fastpath-entry|first-run)\.test/, ...engine],
  [/^test\/integration\/images\/(run|lookup)|^test\/attacks\/image-roots/, 'busybox-static'],
  [/^test\/integration\/(views|images\/in-use|images\/fetched)\.test/, 'busybox-static'],
  [/^test\/integration\/(cost|audit|observed|saved|channels|packaging)\.test/, 'strace'],
  [/^test\/attacks\/killed-apply/, 'strace'],
  [/^test\/integration\/images\/(trees|crash)/, 'umoci', 'zstd', 'strace'],
  [/^test\/integration\/images\/(registry|credentials)/, 'docker-registry', 'apache2-utils'],
  [/^test\/integration\/images\/registry/, 'skopeo'],
  [/^test\/integration\/(network\/(udp|matrix)|changes\/hard-mounts)/, 'iproute2', 'curl'],
  [/^test\/integration\/network\/(udp|matrix)/, 'dnsmasq-base', 'iperf3', 'nginx-light', 'strace'],
  [/^test\/integration\/changes\/hard-mounts/, 'bindfs', 'python3-fusepy'],
  [/^test\/integration\/state-mounts/, 'bindfs'],
  [
    /^test\/attacks\/(network|asking-network|landlock-datagrams|landlock-network|packets|allow-lists)/,
    'iproute2',
  ],
  [/^test\/attacks\/(network|landlock-network|allow-lists)/, 'curl', 'bind9-dnsutils'],
  [/^test\/attacks\/landlock-datagrams/, 'bind9-dnsutils', 'musl-tools'],
  [/^test\/integration\/(preset-tools|presets|projects)/, 'cargo', 'golang-go', 'python3-pip'],
  [
    /^test\/integration\/(preset-tools|changes\/(programs|environments))/,
    'ccache',
    'python3-venv',
    'python3-pip',
  ],
  [/^test\/integration\/(with|script|missing)-packages/, 'python3-venv', 'python3-pip'],
  [/^test\/integration\/installers/, 'curl'],
  [/^test\/integration\/machine-tools/, 'screen', 'iproute2', 'linux-perf'],
  [/^test\/integration\/closed-path/, ...engine],
  [/^test\/integration\/bullmq/, 'valkey-server'],
  [/^test\/integration\/types/, 'declarations of the library'],
  [/^test\/integration\/(week|clocks)/, 'faketime'],
  [/^test\/unit\/convert\/(systemd|export)/, 'libseccomp-dev', 'libsystemd-shared'],
  [/^test\/unit\/convert\/firejail/, 'firejail', 'firejail-profiles'],
  [
    /^test\/unit\/(convert\/(oci|minijail)|core)|^test\/integration\/engine-policies/,
    'golang-github-containers-common',
    'golang-github-docker-docker-dev',
    'golang-github-opencontainers-runc-dev',
  ],
  [/^test\/unit\/tables/, 'linux-libc-dev', 'libseccomp-dev', 'strace'],
];

/**
 * Single tests of files.
 * @type {readonly [files: RegExp, tests: RegExp, ...packages: string[]][]}
 */
const tests = [
  [/^test\/integration\/first-run/, /^the code beside the bundle/, "V8's code"],
  [/^test\/integration\/example-agents/, /has the types/, 'declarations of the library'],
  [/^test\/docs\/completion/, /\bfish\b/, 'fish'],
  [/^test\/docs\/completion/, /\bzsh\b/, 'zsh'],
  [/^test\/attacks\/advice/, /a tracer/, 'strace'],
  [/^test\/attacks\/advice/, /a sandbox inside|a browser is told/, 'bubblewrap', 'strace'],
  [/^test\/integration\/landlock\.test/, /ends (every|with wasbox|a fork)/, 'procps'],
  [/^test\/integration\/session\.test/, /left running|without end/, 'procps'],
  [/^test\/integration\/same-words/, /a job of a queue/, 'valkey-server'],
  [/^test\/integration\/learn/, /\bjq\b/, 'jq'],
  [/^test\/integration\/learn/, /\bsqlite\b/, 'sqlite3'],
  [/^test\/integration\/learn/, /nearly nothing/, 'busybox-static'],
  [/^test\/integration\/fastpath-stale/, /the engine records anew/, ...engine],
  [/^test\/attacks\/home/, /a file in the PATH/, ...engine],
  [/^test\/attacks\/fail-closed/, /takes its time/, 'strace'],
  [/^test\/attacks\/keys/, /no keyring is made/, 'strace'],
  [/^test\/attacks\/terminal\.test/, /of bubblewrap/, 'bubblewrap'],
  [/^test\/integration\/missing-packages/, /a gem/, 'ruby'],
  [/^test\/integration\/why-programs/, /'ruby'/, 'ruby'],
  [/^test\/integration\/why-programs/, /'lua'/, 'lua5.4'],
  [/^test\/integration\/why-programs/, /'tclsh'/, 'tcl'],
  [/^test\/integration\/why-programs/, /'zip and unzip'/, 'zip', 'unzip'],
  [/^test\/integration\/why-programs/, /'gettext/, 'gettext-base'],
  [/^test\/integration\/fastpath-state/, /as through Node/, ...engine],
  [/^test\/integration\/hints/, /looked for its registry/, ...engine],
  [/^test\/integration\/changes\/obeyed/, /a link in the tree makes/, ...engine],
  [/^test\/integration\/changes\/environments/, /virtualenv/, 'virtualenv'],
  [/^test\/integration\/other-verbs/, /kill .*with anything else/, 'procps'],
  [/^test\/integration\/output-leads/, /followed literally/, 'python3-venv', 'python3-pip'],
  [
    /^test\/integration\/usual-leads/,
    /^a notebook|another program starts is named with/,
    'python3-venv',
    'python3-pip',
  ],
  [/^test\/integration\/changes\/system-runs/, /\/etc\/cron\.d/, 'cron-daemon-common'],
  [/^test\/attacks\/limits/, /no session|wasbox spends|is estimated/, 'strace'],
];

const rows = [
  ...files.map(([files, ...packages]) => ({ files, missing: missing(packages) })),
  ...tests.map(([files, tests, ...packages]) => ({ files, tests, missing: missing(packages) })),
].filter(({ missing }) => missing.length > 0);

const rowsOf = (path) => rows.filter(({ files }) => files.test(path));

/** Returns whether a file of tests, named from the checkout, is not loaded here. */
export const isLeftOut = (path) => rowsOf(path).some(({ tests }) => tests === undefined);

/** The patterns of a file's tests that are left out. */
export const patternsOf = (file) =>
  rowsOf(relative(root, file)).flatMap(({ tests }) => tests ?? []);

const unique = (names) => [...new Set(names)];

/** The packages that a test lacks. */
export const reasonsOf = (file, name) =>
  unique(
    rowsOf(relative(root, file))
      .filter(({ tests }) => tests?.test(name))
      .flatMap(({ missing }) => missing),
  );

/** The packages that a file lacks, and how many tests its text has; loops make more of them. */
export function lackedBy(path) {
  const reasons = unique(
    rowsOf(path)
      .filter(({ tests }) => tests === undefined)
      .flatMap(({ missing }) => missing),
  );
  const text = readFileSync(root + path, 'utf8');
  return { reasons, count: text.match(/\b(?:test|it)(?:\.\w+)*\(/g)?.length ?? 1 };
}
