// The criteria: what `npm run bench -- criteria` measured (bench/results/criteria.json), as it is.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeHtml, heading, inline, slug, table } from '../site/html.mjs';

const link = (to, text) => `<a href="#${to}">${text}</a>`;
const idOf = ({ name }) => `system-${slug(name)}`;
const badge = (kind, text) => `<span class="badge ${kind}">${text}</span>`;

/** A call that another kernel answers does not reach the host's. */
const openOf = ({ probes: results, facts }, probes) =>
  probes.filter(({ id, oracle }) => results[id].open && !(facts.ownKernel && oracle === 'reached'))
    .length;
const countOf = (list) => `${list.filter(Boolean).length} of ${list.length}`;

function needsOf({ root, setuid, daemon, image }) {
  const needs = [
    ...(root ? ['root'] : []),
    ...(setuid ? ['a setuid-root program'] : []),
    ...(daemon === null ? [] : [`the daemon ${daemon}`]),
    ...(image ? ['an image'] : []),
  ];
  return needs.length === 0 ? 'nothing' : needs.join(', ');
}

function learnsOf({ destination, option, changes }) {
  const told = [
    ...(destination ? ['the blocked address'] : []),
    ...(option ? ['the option for it'] : []),
    ...(changes ? ['what changed'] : []),
  ];
  return told.length === 0 ? 'nothing' : told.join(', ');
}

/** The columns, each with its name, the section that says how it was found, and the value. */
const columns = (probes, tested) => [
  ['needs', 'how-needs', (system) => escapeHtml(needsOf(system.needs))],
  ['probes that succeed', 'probes', (system) => `${openOf(system, probes)} of ${tested}`],
  ['changes to the project', 'how-changes', (system) => escapeHtml(system.changes)],
];

function overview({ systems, probes, untestable }) {
  const shown = columns(probes, probes.length - untestable.length);
  const rows = systems.map((system) => [
    link(idOf(system), escapeHtml(system.name)),
    ...shown.map(([, how, value]) => link(how, value(system))),
  ]);
  const heads = ['system', ...shown.map(([name]) => name)];
  return table(heads, rows, { label: 'Criteria by system', named: true });
}

const details = (summary, body) => `<details><summary>${summary}</summary>\n${body}</details>`;

function probeTable({ systems, probes, untestable }) {
  const left = new Set(untestable.map(({ id }) => id));
  const shown = probes.filter(({ id }) => !left.has(id));
  const oracleOf = new Map(probes.map(({ id, oracle }) => [id, oracle]));
  const cell = ({ probes: results, facts }, id) => {
    const { open, said } = results[id];
    if (open && facts.ownKernel && oracleOf.get(id) === 'reached') {
      return badge('some', 'its own kernel');
    }
    const why = said === '' ? '' : ` title="${escapeHtml(said)}"`;
    return open ? badge('deny', 'yes') : `<span class="badge allow"${why}>no</span>`;
  };
  const rows = shown.map(({ id, question, oracle }) => [
    `<span id="probe-${id}">${inline(question)}</span> <small class="muted">${link(`oracle-${oracle}`, oracle)}</small>`,
    ...systems.map((system) => cell(system, id)),
  ]);
  return table(['can the code …', ...systems.map(({ name }) => escapeHtml(name))], rows, {
    label: 'Probes by system',
  });
}

const dataIn = (root, name) => JSON.parse(readFileSync(join(root, 'bench/criteria', name), 'utf8'));
const cve = (id) =>
  `<a href="https://nvd.nist.gov/vuln/detail/${escapeHtml(id)}"><code>${escapeHtml(id)}</code></a>`;

/** Where another system was escaped from, and what stands in the way here. */
function escapeTable(escapes) {
  const rows = escapes.map(({ id, of, what, layer, test }) => [
    `${cve(id)} ${escapeHtml(of)}`,
    inline(what),
    inline(layer),
    test === undefined
      ? badge('some', 'not tried')
      : `${badge('allow', 'tried')} <small class="muted"><code>${escapeHtml(test.file)}</code> “${escapeHtml(test.title)}”</small>`,
  ]);
  return table(['escape, of', 'by', 'in wasbox', 'tried'], rows, { label: 'Public escapes' });
}

/** A hole is closed by the first of the calls on its way that a system refuses. */
function holeTable({ systems, probes, untestable }, holes) {
  const questions = new Map(probes.map(({ id, question }) => [id, question]));
  const left = new Set(untestable.map(({ id }) => id));
  const cell = ({ probes: results, facts }, needs) => {
    if (facts.ownKernel) return badge('allow', 'closed: its own kernel');
    const closing = needs.find((id) => !left.has(id) && results[id]?.open === false);
    if (closing !== undefined)
      return `<a href="#probe-${closing}">${badge('allow', `closed: ${closing}`)}</a>`;
    return needs.some((id) => left.has(id) || results[id] === undefined)
      ? badge('some', 'not tried')
      : badge('deny', 'reachable');
  };
  const rows = holes.map(({ id, what, needs }) => [
    `${cve(id)} ${inline(what)}`,
    escapeHtml(needs.map((need) => questions.get(need) ?? need).join('; ')),
    ...systems.map((system) => cell(system, needs)),
  ]);
  return table(['hole', 'needs to', ...systems.map(({ name }) => escapeHtml(name))], rows, {
    label: 'Public holes by system',
  });
}

function better({ systems, probes }) {
  const own = systems.find(({ name }) => name === 'wasbox');
  const others = systems.filter((system) => system !== own);
  const items = others.map((system) => {
    const closed = probes.filter(
      ({ id, oracle }) =>
        own.probes[id].open &&
        (!system.probes[id].open || (system.facts.ownKernel && oracle === 'reached')),
    );
    const worked = system.programs.filter(Boolean).length - own.programs.filter(Boolean).length;
    const facts = [
      ...(closed.length > 0
        ? [
            `It closes what wasbox leaves open: ${closed.map(({ question }) => question).join('; ')}.`,
          ]
        : []),
      ...(worked > 0 ? [`${worked} more of the ordinary programs work unchanged.`] : []),
    ];
    return `<li>${link(idOf(system), escapeHtml(system.name))}: ${inline([system.better, ...facts].join(' '))}</li>`;
  });
  return `<ul>${items.join('\n')}</ul>`;
}

function factsOf({ facts: { ownKernel, process: facts }, needs }) {
  if (ownKernel) return 'The code has a kernel of its own, which is a process of the host.';
  if (facts === null) return 'The host sees no process of the code by its command line.';
  const user = facts.uid === 0 ? 'root' : needs.root ? `user ${facts.uid}` : 'an ordinary user';
  return `To the host’s kernel, a process of the code is ${user}, ${facts.capabilities ? 'with' : 'without'} capabilities, ${facts.noNewPrivileges ? 'cannot' : 'can'} gain privileges by executing, and has ${facts.seccomp === 'none' ? 'no system call filter' : 'a system call filter'}.`;
}

const code = (label, text) =>
  `<div class="code"><pre tabindex="0" role="group" aria-label="${escapeHtml(label)}"><code>${escapeHtml(text)}</code></pre></div>`;

function systemSection(system, programs) {
  const failed = programs.filter((_, at) => !system.programs[at]);
  const { because } = system.needs;
  const { name, config, steps, options, configLines } = system;
  const items = [
    `${link('how-steps', 'Commands to the first run')}: ${steps.map((step) => `<code>${escapeHtml(step)}</code>`).join(', ')}.`,
    `${link('how-words', 'Words of options, lines of configuration')}: ${options} and ${configLines}.`,
    `${link('how-work', 'Work done')}: ${countOf(Object.values(system.work))}. ${link('how-programs', 'Programs unchanged')}: ${countOf(system.programs)}.`,
    `${link('how-learns', 'The user learns')}: ${escapeHtml(learnsOf(system.learns))}.`,
    escapeHtml(factsOf(system)),
    ...(because === undefined
      ? []
      : [`Run as root, because as an ordinary user it said: <code>${escapeHtml(because)}</code>`]),
    ...(failed.length === 0
      ? []
      : [
          `Programs that behave differently: ${failed.map((line) => `<code>${escapeHtml(line)}</code>`).join(', ')}`,
        ]),
  ];
  const started = [
    code(`How ${name} was started`, system.command),
    ...(config === undefined ? [] : [code(`Configuration of ${name}`, config)]),
  ];
  return `${heading(3, name, idOf(system))}
<ul>
${items.map((item) => `<li>${item}</li>`).join('\n')}
</ul>
${details(`How version ${escapeHtml(system.version)} was started`, started.join('\n'))}`;
}

const oracles = {
  nonce: 'The attempt printed a secret that only the host had.',
  file: 'A file of the host differs afterwards.',
  heard: 'A server of the host received what the attempt sent.',
  killed: 'A process of the host is gone.',
  alive: 'A process of the code still runs after the run.',
  reached: 'The kernel did not refuse the call: only the code can say so.',
};

const how = [
  [
    'how-steps',
    'Commands to the first run',
    'From a machine without the system, as its documentation says; the last one is the run.',
  ],
  [
    'how-needs',
    'Needs',
    'Each system is tried as an ordinary user first, and as root where that fails. A setuid program is seen by its mode.',
  ],
  [
    'how-words',
    'Words and lines',
    'Counted in the command line below, without the program that runs, and in the files of configuration that were written.',
  ],
  [
    'how-work',
    'Work',
    'A Python script that reads and writes, a shell installer that writes to the home, the tests of a Node project: done where the output is right and the status 0.',
  ],
  [
    'how-programs',
    'Programs',
    'Ordinary command lines whose output and status must be those without a sandbox.',
  ],
  [
    'how-learns',
    'What the user learns',
    'A program hides that its connection failed and that it changed a file: what the system’s own output says about both.',
  ],
  [
    'how-changes',
    'Changes',
    'A run changes, removes and adds files of the project; what is there afterwards.',
  ],
];

export function render({ root, put }) {
  const file = join(root, 'bench/results/criteria.json');
  const title = `${heading(1, 'Criteria')}
<!-- search: compare sandboxes, which sandbox, CVE, exploits, attack surface, probes -->`;
  if (!existsSync(file)) return { body: `${title}\n<p>This build has no results.</p>` };
  const text = readFileSync(file, 'utf8');
  put('about/criteria.json', text);
  const results = JSON.parse(text);
  const { machine, systems, missing, untestable, probes, programs } = results;
  const others = systems.length - 1;
  const holes = dataIn(root, 'holes.json');
  const escapes = dataIn(root, 'escapes.json');
  const body = `<div class="criteria">${title}
<p class="lead">The same work and the same ${probes.length - untestable.length} probes on wasbox and on ${others} other systems: what each needs, what code in it can see and do, what the user learns.</p>
<p><code>npm run bench -- criteria</code> measures this on your machine. These results are from ${escapeHtml(`${machine.cpu}, ${machine.system}, Linux ${machine.kernel.split('-')[0]}, ${machine.date.slice(0, 10)}`)}. Every value links to how it was found, and comes from one file: <a href="criteria.json">criteria.json</a>. How fast each starts: <a href="benchmarks.html">Benchmarks</a>.</p>
${overview(results)}
${heading(2, 'Where another is better', 'better')}
${better(results)}
${heading(2, 'Probes', 'probes')}
<p>Each attempt is made once in each system, with fresh files, servers and secrets, and once without a sandbox: the control, in which it must succeed. ${untestable.length === 0 ? 'All of them did.' : `Left out, because it fails without a sandbox on this machine, too: ${untestable.map(({ id }) => `<code>${escapeHtml(id)}</code>`).join(', ')}.`} Where the host can judge, it does.</p>
${details('The probes, and what they did in each system', probeTable(results))}
<ul>${Object.entries(oracles)
    .map(([id, text]) => `<li id="oracle-${id}"><strong>${id}</strong>: ${text}</li>`)
    .join('\n')}</ul>
${heading(2, 'Public holes', 'holes')}
<p>Public holes that are fixed by now, most of them in the kernel, each with what code must be able to do to reach it. A system that blocks one of these steps closes the hole, and others like it, before they are known. No hole was exploited here: “closed” names the step that failed, “reachable” says that all steps succeed, not that the kernel still has the hole.</p>
${details(`The ${holes.length} holes, and the step that fails in each system`, holeTable(results, holes))}
<p>“not tried”: a step fails on this machine even without a sandbox. A sandbox that shares the host’s kernel does not close what ordinary programs need: timers, splice. Update the kernel, or use a virtual machine.</p>
${heading(2, 'Public escapes', 'escapes')}
<p>Ways out of other sandboxes, and what stops each in wasbox. “tried” names the test that attempts it, or its counterpart in wasbox; the host judges whether it worked.</p>
${details(`The ${escapes.length} escapes`, escapeTable(escapes))}
${heading(2, 'How it was found', 'how')}
<dl class="options">${how.map(([id, name, text]) => `<dt id="${id}">${name}</dt><dd>${text}</dd>`).join('\n')}</dl>
${systems.map((system) => systemSection(system, programs)).join('\n')}
${heading(2, 'Not compared', 'missing')}
<ul>${missing.map(({ name, why }) => `<li>${escapeHtml(name)}: ${escapeHtml(why)}</li>`).join('\n')}</ul></div>`;
  return { body };
}
