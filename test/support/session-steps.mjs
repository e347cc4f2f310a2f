/**
 * Random steps in a session, its snapshots and its forks, and the same steps in directories outside: their files
 * must be the same at every moment. Run as a program: `steps(lib, options)`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A small generator, so that a seed says all. */
function random(seed) {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const python = `
import os, shutil, sys
op, a, b = sys.argv[1:4]
def parent(p): os.makedirs(os.path.dirname(p) or '.', exist_ok=True)
if op == 'write': parent(a); open(a, 'w').write(b)
elif op == 'append': open(a, 'a').write(b)
elif op == 'patch':
    with open(a, 'r+') as f: f.seek(2); f.write(b)
elif op == 'remove': shutil.rmtree(a) if os.path.isdir(a) and not os.path.islink(a) else os.remove(a)
elif op == 'mkdir': os.mkdir(a)
elif op == 'rename': os.rename(a, b)
elif op == 'symlink': os.symlink(b, a)
elif op == 'link': os.link(a, b, follow_symlinks=False)
elif op == 'chmod': os.chmod(a, int(b, 8))
elif op == 'replace': shutil.rmtree(a); os.mkdir(a); open(a + '/new', 'w').write(b)
`;
const node = `
const fs = require('fs'), path = require('path');
const [op, a, b] = process.argv.slice(1);
({
  write: () => { fs.mkdirSync(path.dirname(a), { recursive: true }); fs.writeFileSync(a, b); },
  append: () => { if (!fs.statSync(a).isFile()) throw 1; fs.appendFileSync(a, b); },
  patch: () => { const fd = fs.openSync(a, 'r+'); fs.writeSync(fd, b, 2); },
  remove: () => fs.rmSync(a, { recursive: true }),
  mkdir: () => fs.mkdirSync(a),
  rename: () => fs.renameSync(a, b),
  symlink: () => fs.symlinkSync(b, a),
  link: () => fs.linkSync(a, b),
  chmod: () => fs.chmodSync(a, parseInt(b, 8)),
  replace: () => { fs.rmdirSync; if (!fs.lstatSync(a).isDirectory()) throw 1; fs.rmSync(a, { recursive: true }); fs.mkdirSync(a); fs.writeFileSync(a + '/new', b); },
})[op]();
`;
const shell = `
op=$1 a=$2 b=$3
case $op in
  write) mkdir -p "$(dirname "$a")" && printf %s "$b" > "$a";;
  append) [ -f "$a" ] && printf %s "$b" >> "$a";;
  patch) [ -f "$a" ] && printf %s "$b" | dd of="$a" bs=1 seek=2 conv=notrunc 2>/dev/null;;
  remove) [ -e "$a" -o -L "$a" ] && rm -r "$a";;
  mkdir) mkdir "$a";;
  rename) [ -d "$b" -a ! -d "$a" ] && exit 1; mv -T "$a" "$b";;
  symlink) ln -s -T "$b" "$a";;
  link) ln -P -T "$a" "$b";;
  chmod) [ ! -L "$a" ] && chmod "$b" "$a";;
  replace) [ -d "$a" -a ! -L "$a" ] && rm -r "$a" && mkdir "$a" && printf %s "$b" > "$a/new";;
esac
`;
const languages = [
  ['sh', '-c', shell, 'sh'],
  ['python3', '-c', python],
  ['node', '-e', node],
];

/** All there is about a tree: paths, types, modes, targets, content. */
const manifest = `
import hashlib, os, stat
def show(path):
    info = os.lstat(path)
    kind, mode = stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode)
    if stat.S_ISLNK(kind): what = os.readlink(path)
    elif stat.S_ISREG(kind):
        try: what = (info.st_size, hashlib.md5(open(path, 'rb').read()).hexdigest())
        except PermissionError: what = 'closed'
    else: what = None
    print(path, kind, 0 if stat.S_ISLNK(kind) else oct(mode), what)
    if stat.S_ISDIR(kind):
        try: names = sorted(os.listdir(path))
        except PermissionError: names = []
        for name in names:
            try: show(path + '/' + name)
            except PermissionError: print(path, name, 'closed')
show('.')
`;

/**
 * A copy of a tree, parts of which may be closed to their owner. A file has one name each in it: layers below
 * share no names with those above.
 */
const copy = `
import os, shutil, stat, sys
def copy(a, b):
    info = os.lstat(a)
    if stat.S_ISLNK(info.st_mode): os.symlink(os.readlink(a), b); return
    mode = stat.S_IMODE(info.st_mode)
    os.chmod(a, mode | 0o700)
    if stat.S_ISDIR(info.st_mode):
        os.mkdir(b)
        for name in os.listdir(a): copy(a + '/' + name, b + '/' + name)
    else: shutil.copyfile(a, b)
    os.utime(b, ns=(info.st_atime_ns, info.st_mtime_ns))
    os.chmod(b, mode); os.chmod(a, mode)
copy(*sys.argv[1:])
`;

const outside = (argv, cwd) =>
  spawnSync(argv[0], argv.slice(1), { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });

function copyTree(from, to) {
  const { status, stderr } = outside(['python3', '-c', copy, from, to], '/');
  if (status !== 0) throw new Error(stderr);
}

/**
 * @param lib the library
 * @param options workdir, oracle (an empty directory), steps, seed, modes (that chmod may set), log
 */
export async function steps(lib, { workdir, oracle, steps: count, seed, modes }) {
  const next = random(seed);
  const one = (list) => list[next(list.length)];
  const places = ['.', 'old', 'old/deep', 'dir', 'dir/sub', 'x', 'x/y', 'z'];
  const files = ['f', 'g', 'h', 'file', 'keep', 'new'];
  const somewhere = () => `./${one(places)}/${one(files)}`;
  const anything = () => (next(3) === 0 ? `./${one(places.slice(1))}` : somewhere());
  const word = () => `${next(1_000_000)} `.repeat(1 + next(next(5) === 0 ? 3000 : 5));
  let made = 0;
  const root = await lib.createSession({ workdir, changes: 'keep' });
  copyTree(workdir, `${oracle}/0`);
  const branches = [{ session: root, tree: `${oracle}/0`, depth: 0, snapshots: [] }];
  const log = [];
  const compare = async (branch, when) => {
    const inside = await branch.session.exec(['python3', '-c', manifest]);
    const expected = outside(['python3', '-c', manifest], branch.tree);
    if (inside.stdout === expected.stdout && inside.exitCode === 0) return;
    const [a, b] = [inside.stdout, expected.stdout].map((text) => new Set(text.split('\n')));
    throw new Error(
      `seed ${seed}, ${when}\n${log.join('\n')}\ninside only: ${[...a].filter((l) => !b.has(l)).join('\n')}\noutside only: ${[...b].filter((l) => !a.has(l)).join('\n')}\n${inside.stderr}`,
    );
  };
  const keep = (branch) => {
    const tree = `${oracle}/${++made}`;
    copyTree(branch.tree, tree);
    branch.tree = `${oracle}/${++made}`;
    copyTree(tree, branch.tree);
    return tree;
  };
  for (let step = 0; step < count; step++) {
    const branch = one(branches);
    const what = next(10);
    const which = branches.indexOf(branch);
    if (what === 0 || (what === 1 && branch.snapshots.length === 0)) {
      log.push(`${step} snapshot of ${which}`);
      branch.snapshots.push({ taken: await branch.session.snapshot(), tree: keep(branch) });
    } else if (what === 1) {
      const { taken, tree } = one(branch.snapshots);
      log.push(`${step} rollback of ${which} to ${taken.id}`);
      await branch.session.rollback(taken);
      branch.tree = `${oracle}/${++made}`;
      copyTree(tree, branch.tree);
      await compare(branch, log.at(-1));
    } else if (what === 2 && branch.depth < 3 && branches.length < 6) {
      const from = branch.snapshots.length > 0 && next(2) === 0 ? one(branch.snapshots) : undefined;
      log.push(`${step} fork of ${which}${from ? ` from ${from.taken.id}` : ''}`);
      const session = await branch.session.fork(from?.taken);
      const tree = `${oracle}/${++made}`;
      copyTree(from?.tree ?? keep(branch), tree);
      branches.push({ session, tree, depth: branch.depth + 1, snapshots: [] });
      await compare(branches.at(-1), log.at(-1));
    } else {
      const op = one([
        ...['write', 'write', 'write', 'append', 'patch', 'remove', 'mkdir', 'rename', 'rename'],
        ...['symlink', 'link', 'chmod', 'replace'],
      ]);
      const a = ['mkdir', 'replace'].includes(op) ? `./${one(places.slice(1))}` : anything();
      const b = { rename: anything, link: somewhere, symlink: () => one(['f', '../g', 'nowhere']) };
      const second = op === 'chmod' ? one(modes) : (b[op] ?? word)();
      const argv = [...one(languages), op, a, second];
      log.push(`${step} ${which}: ${argv[0]} ${op} ${a} ${second.slice(0, 20)}`);
      const inside = await branch.session.exec(argv);
      const { status, stderr } = outside(argv, branch.tree);
      if ((inside.exitCode === 0) !== (status === 0)) {
        throw new Error(
          `seed ${seed}: ${log.join('\n')}\ninside ${inside.exitCode}: ${inside.stderr}\noutside ${status}: ${stderr}`,
        );
      }
    }
  }
  for (const branch of branches) await compare(branch, 'at the end');
  // One is applied: then the host has its files.
  const chosen = one(branches);
  const list = [];
  for (const branch of branches) {
    const { kept } = await branch.session.close();
    if (kept === undefined) continue;
    if (branch === chosen) {
      const { refused } = await kept.apply();
      list.push(...refused);
      if (refused.length > 0) await kept.discard();
    } else await kept.discard();
  }
  const host = outside(['python3', '-c', manifest], workdir).stdout;
  const expected = outside(['python3', '-c', manifest], chosen.tree).stdout;
  const whole = list.length > 0 || host === expected;
  if (!whole) {
    const [a, b] = [host, expected].map((text) => new Set(text.split('\n')));
    throw new Error(
      `seed ${seed}: applied ${branches.indexOf(chosen)}\n${log.join('\n')}\nhost only: ${[...a].filter((l) => !b.has(l)).join('\n')}\nexpected: ${[...b].filter((l) => !a.has(l)).join('\n')}`,
    );
  }
  return {
    branches: branches.length,
    depth: Math.max(...branches.map(({ depth }) => depth)),
    refused: list.length,
    exists: existsSync(workdir),
  };
}
