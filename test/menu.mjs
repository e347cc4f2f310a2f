/**
 * The menus behind `npm run nightly`, `npm run bench` and `npm run fuzz`: a name chooses what runs, `help` lists the names.
 *
 *     npm run nightly -- vm --kernel 6.1
 *     npm run bench -- launcher 40           without a name: what the README's figures come from
 *     npm run fuzz -- engine 600             without a name: all targets of the policy core
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { menus } from './menus.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name = '', ...words] = process.argv.slice(2);
const menu = menus[name];
if (menu === undefined) throw new Error(`not a menu: ${name}`);
const [first = ''] = words;
const chosen = first !== '' && Object.hasOwn(menu, first) ? first : '';
const entry = first === 'help' ? undefined : menu[chosen];
const isUnknown = chosen === '' && first !== '' && first !== 'help' && !first.startsWith('-');
// The targets of the policy core are names, too: run.mjs knows them.
if (entry === undefined || (isUnknown && name !== 'fuzz')) {
  if (isUnknown) console.error(`npm run ${name}: there is no "${first}"`);
  for (const [one, [about]] of Object.entries(menu)) console.log(`${one.padEnd(12)} ${about}`);
  process.exitCode = isUnknown ? 2 : 0;
} else {
  const [, commands, env = {}] = entry;
  const rest = chosen === '' ? words : words.slice(1);
  for (const [index, [file, ...argv]] of commands.entries()) {
    const isLast = index === commands.length - 1;
    const { status } = spawnSync(file, isLast ? [...argv, ...rest] : argv, {
      cwd: root,
      stdio: 'inherit',
      env: { ...env, ...process.env },
    });
    process.exitCode = status ?? 1;
    if (status !== 0) break;
  }
}
