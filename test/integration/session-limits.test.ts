/** Limits of one program of a session. Needs: user namespaces, overlayfs in them, python3. */
import { describe, expect, it } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { inSession } from '../support/session.js';

/** Python that fills so many MiB, and stays for a while. */
const fill = (mebibytes: number, marker: string, seconds = 60): string =>
  `# ${marker}\nimport time\nx = bytearray(${mebibytes} << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint("full", flush=True)\ntime.sleep(${seconds})`;

const helpers = `
  const { readFileSync, readdirSync } = await import('node:fs');
  const told = ({ outcome, limit, signal, stdout }) => [outcome, limit ?? null, signal ?? null, stdout.trim()];
  const alive = (marker) => readdirSync('/proc').filter((pid) => {
    try {
      return /^[0-9]+$/.test(pid) && Number(pid) !== process.pid &&
        readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes(marker) &&
        // The process that holds the listener has this one's memory, and so its command line.
        !/^(State:\\s+[ZX]|Name:\\s+wasbox-holder)/m.test(readFileSync('/proc/' + pid + '/status', 'utf8'));
    } catch { return false; }
  }).length;
  const gone = async (marker) => { // killed processes take a moment to end
    for (let i = 0; i < 200 && alive(marker) > 0; i++) await sleep(25);
    return alive(marker);
  };
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

const mebibytes64 = 64 * 1024 ** 2;

describe.each(identities())('as $label', (as) => {
  it('a session ends one program that uses more than its memory, and no other', async () => {
    const [own, other] = [uniqueMarker(), uniqueMarker()];
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${helpers}
       const beside = session.exec(['python3', '-c', ${JSON.stringify(fill(200, other, 4))}]);
       const result = await session.exec(['python3', '-c', ${JSON.stringify(fill(200, own))}], { memoryBytes: ${mebibytes64} });
       show([told(result), await gone('${own}'), alive('${other}')]);
       show(told(await beside));
       const spawned = await session.spawn(['python3', '-c', ${JSON.stringify(fill(200, own))}], { memoryBytes: ${mebibytes64} });
       show((await spawned.result).limit);
       show(told(await session.exec(['python3', '-c', 'print("small")'], { memoryBytes: ${mebibytes64} })));`,
    );
    expect(lines[0]?.slice(1)).toEqual([0, 1]);
    expect(lines[0]?.[0].slice(0, 3)).toEqual(['limit', 'memory', 'SIGKILL']);
    expect(lines.slice(1)).toEqual([
      ['exited', null, null, 'full'], // the same program without a limit: the control
      'memory',
      ['exited', null, null, 'small'],
    ]);
  });

  it('counts what has left the group, the session and its parents', async () => {
    const [held, free] = [uniqueMarker(), uniqueMarker()];
    const orphan = (marker: string) =>
      JSON.stringify([
        ...['sh', '-c', '(setsid sh -c \'(setsid python3 -c "$0" &)\' "$0" &); sleep 60'],
        fill(200, marker),
      ]);
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${helpers}
       const free = session.spawn(${orphan(free)});
       const result = await session.exec(${orphan(held)}, { memoryBytes: ${mebibytes64} });
       show([told(result).slice(0, 2), await gone('${held}')]);
       (await free).stdout.once('data', async (text) => {
         show([String(text).trim(), alive('${free}') > 0]); // without a limit they live: the control
         await session.close();
       });
       await session.ended;`,
    );
    expect(lines).toEqual([
      [['limit', 'memory'], 0],
      ['full', true],
    ]);
    expect(await eventually(() => processesWith(free).length === 0)).toBe(true);
  });

  it('counts the processor time of all processes of a program, waited for or not', async () => {
    const marker = uniqueMarker();
    const loop = `while :; do :; done; : ${marker}`;
    const orphans = `for i in 1 2 3; do (setsid sh -c '${loop}' &); done; sleep 60`;
    const short = `import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        end = time.process_time() + 0.05
        while time.process_time() < end: pass
        os._exit(0)
    time.sleep(0.06)`;
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${helpers}
       const beside = session.exec(['sh', '-c', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done']);
       for (const argv of ${JSON.stringify([
         ['sh', '-c', loop],
         ['sh', '-c', orphans],
         ['python3', '-c', short],
       ])}) {
         const result = await session.exec(argv, { cpuMs: 400, timeoutMs: 60000 });
         show([told(result).slice(0, 2), await gone('${marker}')]);
       }
       show(told(await beside));
       show(told(await session.exec(['true'], { cpuMs: 400 })));`,
    );
    const ended = [['limit', 'cpu'], 0];
    expect(lines).toEqual([
      ...[ended, ended, ended],
      ['exited', null, null, 'done'],
      ['exited', null, null, ''],
    ]);
  });

  it('keeps what a program left running to its limits', async () => {
    const marker = uniqueMarker();
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${helpers}
       await session.exec(['sh', '-c', 'setsid sh -c \\'while [ ! -e go ]; do sleep 0.05; done; exec python3 -c "$0"\\' "$0" > /dev/null 2>&1 &', ${JSON.stringify(fill(200, marker))}], { memoryBytes: ${mebibytes64} });
       await sleep(1000);
       show(alive('${marker}') > 0);
       await session.files.write('go', '');
       show([await gone('${marker}'), (await session.exec(['echo', 'goes on'])).stdout]);`,
    );
    expect(lines).toEqual([true, [0, 'goes on\n']]);
  });

  it('a session ends a process that changes its mark, which no process can raise', async () => {
    const change = (soft: string) => `import resource, time
one, other = resource.getrlimit(10)[1], resource.getrlimit(15)[1]
try:
    ${soft}
except (ValueError, PermissionError, OSError) as error:
    print('refused', flush=True)
time.sleep(20 if one > 0 else 0)
print('lived')`;
    const lower = change('resource.setrlimit(10, (one - 1, one - 1))');
    const raise = change(
      'resource.setrlimit(10, (one - 1, one - 1)); resource.setrlimit(15, (other + 1, other + 1))',
    );
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${helpers}
       const limits = { memoryBytes: ${mebibytes64} };
       const [lowered, raised] = await Promise.all([${JSON.stringify(lower)}, ${JSON.stringify(raise)}].map((code) =>
         session.exec(['python3', '-c', code], limits)));
       show([lowered.signal, raised.signal, raised.stdout]);
       show((await session.exec(['python3', '-c', ${JSON.stringify(`import resource; print(resource.getrlimit(10)[1] < 0, resource.getrlimit(15)[1] < 0)`)}])).stdout);`,
    );
    expect(lines).toEqual([
      ['SIGKILL', 'SIGKILL', 'refused\n'],
      'True True\n', // the next program has none
    ]);
  });

  it('limits files of one program, and refuses more than the session has before it starts', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard', memoryBytes: 512 * 1024 ** 2, openFiles: 256, cpuMs: 60000 }`,
      `${helpers}
       const result = await session.exec(['sh', '-c', 'ulimit -n; exec dd if=/dev/zero of=big bs=4096 count=600 status=none'], { openFiles: 64, fileSizeBytes: 1024 ** 2 });
       show([...told(result), (await session.files.stat('big')).size]);
       show((await session.exec(['sh', '-c', 'ulimit -n; exec dd if=/dev/zero of=big bs=4096 count=600 status=none'])).outcome);
       const begun = (await session.report()).started;
       for (const options of [{ memoryBytes: 1024 ** 3 }, { openFiles: 257 }, { cpuMs: Infinity }, { memoryBytes: 1 }, { cpuMs: 'x' }, { pids: 3 }]) {
         await session.exec(['touch', 'started'], options).catch(({ code, hint }) => show([code, typeof hint]));
       }
       show((await session.report()).started - begun);`,
    );
    expect(lines).toEqual([
      ['limit', 'file-size', 'SIGXFSZ', '64', 1024 ** 2],
      'exited',
      ...Array.from({ length: 5 }, () => ['ERR_OPTION_VALUE', 'string']),
      ['ERR_OPTION_UNKNOWN', 'string'],
      0,
    ]);
  });
});
