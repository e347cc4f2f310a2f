// A pool of waiting interpreters beside starting them: from the request to the first byte of output.
import { spawn } from 'node:child_process';
import { inTurn, summarize, timed } from './measure.mjs';
import { isInstalled } from './peers.mjs';

const programs = {
  python: { argv: ['python3', '-c', 'print(1)'], code: 'print(1)' },
  node: { argv: [process.execPath, '-e', 'console.log(1)'], code: 'console.log(1)' },
};

function firstByte([file, ...args], cwd) {
  let ended;
  const measured = timed(
    () =>
      new Promise((resolve, reject) => {
        const child = spawn(file, args, { cwd });
        child.once('error', reject);
        ended = new Promise((done) => child.once('close', done));
        child.stdout.once('data', resolve);
      }),
  );
  return measured.then(async (us) => {
    await ended;
    return us;
  });
}

export async function measurePool({ createPool }, { work, rounds }) {
  const rows = [];
  for (const [runtime, { argv, code }] of Object.entries(programs)) {
    if (!isInstalled(argv[0])) continue;
    const pool = await createPool({ lang: runtime, size: 2, workdir: work, changes: 'discard' });
    const rested = async () => {
      while (pool.state.ready < 2 || pool.state.running > 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const pooled = async () => {
      await rested();
      let ended;
      const us = await timed(
        () =>
          new Promise((resolve, reject) => {
            ended = pool.run({ code, onStdout: resolve });
            ended.catch(reject);
          }),
      );
      await ended;
      return us;
    };
    const samples = await inTurn(
      [
        { name: `${argv[0].split('/').at(-1)}, plain`, once: () => firstByte(argv, work) },
        { name: `${runtime}, pooled`, once: pooled },
      ],
      { rounds: rounds * 2, warmUps: 5 },
    );
    await pool.close();
    const [plain] = samples.values();
    for (const [name, us] of samples) rows.push(summarize(name, us, plain));
  }
  return rows;
}
