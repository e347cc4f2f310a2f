/**
 * `npm run release`, made twice in copies of this checkout that lie elsewhere: the same bytes, and a tarball
 * and a Debian package that work where they are unpacked. Needs the compilers of `npm run build:all`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const compiler = process.arch === 'x64' ? 'g++-aarch64-linux-gnu' : 'x64 processor';
/** Each release takes minutes: both are made at night. */
const prerequisites = [compiler, 'dpkg', 'xz-utils', 'qemu-user', 'engine sources', 'nightly run'];
const own = process.arch === 'x64' ? 'amd64' : 'arm64';

/** Copies what git knows of this checkout and of new files in it, as they are now. */
function copyCheckout(to: string): void {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const names = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0');
  for (const name of names.filter((one) => one !== '' && fs.existsSync(join(root, one))))
    fs.cpSync(join(root, name), join(to, name));
  const from = join(root, 'node_modules');
  const modules = join(to, 'node_modules');
  if (spawnSync('cp', ['-al', from, modules]).status === 0) return;
  fs.rmSync(modules, { recursive: true, force: true });
  execFileSync('cp', ['-a', from, modules]); // another file system
}

needs(...prerequisites).describe('a release', () => {
  const work = fs.mkdtempSync(join(tmpdir(), 'wasbox-release-test-'));
  const version = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')).version as string;
  const out = join(work, 'one');
  const sums: string[] = [];

  beforeAll(() => {
    const places = [
      ['one', '022'],
      ['another/one/elsewhere', '077'],
    ] as const;
    for (const [place, umask] of places) {
      const checkout = join(work, 'checkout', place);
      copyCheckout(checkout);
      const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' };
      const script = `umask ${umask}; exec node src/release/main.mjs --out "$1"`;
      const args = ['-c', script, 'sh', join(work, place)];
      sums.push(execFileSync('sh', args, { cwd: checkout, env, encoding: 'utf8' }));
      fs.rmSync(checkout, { recursive: true });
    }
  }, 2_400_000);
  afterAll(() => fs.rmSync(work, { recursive: true, force: true }));

  test('has the same bytes wherever and under whatever umask it is made', () => {
    expect(sums[1]).toBe(sums[0]);
  });

  test('has sums of all its files, and no path of the machine', () => {
    expect(sums[0]?.match(/\n/g)).toHaveLength(6);
    expect(fs.readFileSync(join(out, 'SHA256SUMS'), 'utf8')).toBe(sums[0]);
    execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out });
    for (const name of fs.readdirSync(out))
      expect(fs.readFileSync(join(out, name)).includes(work), name).toBe(false);
  });

  test('runs from the tarball, natively the second time', async () => {
    const as = ordinaryUser();
    const name = `wasbox-${version}-linux-${process.arch}`;
    const place = makeProject(as, { 'hello.py': 'print("unpacked")\n' });
    const prefix = makeProject(as, {}, 'prefix');
    execFileSync('tar', ['-C', prefix, '-xzf', join(out, `${name}.tar.gz`)]);
    const wasbox = join(prefix, name, 'bin/wasbox');
    const listed = execFileSync('tar', ['-tzf', join(out, `${name}.tar.gz`)], { encoding: 'utf8' });
    expect(listed).toContain(`${name}/share/zsh/site-functions/_wasbox\n`);
    // Directories that others share keep their mode and owner: no entry of the archive is one.
    const directories = listed.match(/^.*\/$/gm) ?? [];
    expect(directories.length).toBeGreaterThan(0);
    expect(directories.filter((path) => !path.includes('/wasbox/'))).toEqual([]);
    const run = (argv: readonly string[], path = process.env.PATH ?? '') =>
      runProgram(argv, { as, cwd: place, env: { PATH: path, PWD: place } });
    const command = [wasbox, 'run', '-q', '--discard', 'hello.py'];
    for (const args of [command, command]) {
      const { out: text, err, status } = await run(args);
      expect([text, err, status]).toEqual(['unpacked\n', '', 0]);
    }
    // No start needs Node.
    const trace = join(place, 'trace');
    await run(['strace', '-f', '-qq', '-e', 'trace=execve', '-o', trace, ...command]);
    const programs = [...fs.readFileSync(trace, 'utf8').matchAll(/execve\("([^"]*)".* = 0$/gm)];
    expect(programs.some(([, path = '']) => path.endsWith('/node'))).toBe(false);
    const without = await run([wasbox, 'run', 'other.py'], '/nonexistent');
    expect(without.err).toContain('other.py: not found');
    expect(without.status).toBe(127);
  });

  test('is a Debian package for each processor', () => {
    for (const [debian, arch, machine] of [
      ['amd64', 'x64', 62],
      ['arm64', 'arm64', 183],
    ] as const) {
      const file = join(out, `wasbox_${version}_${debian}.deb`);
      const tree = join(work, `deb-${debian}`);
      execFileSync('dpkg-deb', ['-x', file, tree]);
      const usr = join(tree, 'usr');
      const native = `lib/wasbox/dist/native/linux-${arch}/wasbox`;
      expect(fs.readlinkSync(join(usr, 'bin/wasbox'))).toBe(`../${native}`);
      expect(fs.readFileSync(join(usr, native)).readUInt16LE(18)).toBe(machine);
      expect(fs.readdirSync(join(usr, 'lib/wasbox/dist/native'))).toEqual([`linux-${arch}`]);
      const profile = fs.readFileSync(join(tree, 'etc/apparmor.d/wasbox'), 'utf8');
      expect(profile).toContain(`profile wasbox /usr/${native} flags=(unconfined)`);
      for (const name of [
        'share/man/man1/wasbox.1.gz',
        'share/bash-completion/completions/wasbox',
        'share/zsh/vendor-completions/_wasbox',
        'share/fish/vendor_completions.d/wasbox.fish',
        'share/doc/wasbox/copyright',
        'share/doc/wasbox/examples/hello.py',
        'lib/wasbox/dist/THIRD-PARTY.txt',
      ]) {
        expect(fs.statSync(join(usr, name)).size, name).toBeGreaterThan(100);
      }
      const field = (name: string) =>
        execFileSync('dpkg-deb', ['-f', file, name], { encoding: 'utf8' }).trim();
      expect([field('Package'), field('Version'), field('Architecture')]).toEqual([
        'wasbox',
        version,
        debian,
      ]);
      const listed = execFileSync('dpkg-deb', ['-c', file], { encoding: 'utf8' });
      expect(listed).toMatch(/^-rwxr-xr-x root\/root .* \.\/usr\/lib\/wasbox\/.*\/wasbox$/m);
      execFileSync('dpkg-deb', ['-e', file, join(tree, 'DEBIAN')]);
      execFileSync('md5sum', ['--check', '--strict', '--quiet', 'DEBIAN/md5sums'], { cwd: tree });
    }
    for (const [debian, arch, emulator] of [
      ['amd64', 'x64', 'qemu-x86_64'],
      ['arm64', 'arm64', 'qemu-aarch64'],
    ] as const) {
      const file = join(
        work,
        `deb-${debian}/usr/lib/wasbox/dist/native/linux-${arch}/wasbox-engine`,
      );
      const [command = file, ...more] = arch === process.arch ? [file] : [emulator, file];
      const env = { PATH: '/usr/bin:/bin' };
      const said = execFileSync(command, [...more, '--version'], { encoding: 'utf8', env });
      expect(said).toBe(`wasbox ${version}\n`);
    }
    const tree = join(work, `deb-${own}`);
    const text = execFileSync(join(tree, 'usr/bin/wasbox'), ['--version'], { encoding: 'utf8' });
    expect(text).toBe(`wasbox ${version}\n`);
  });

  needs('lintian').test(
    'has Debian packages that lintian has nothing to say of',
    () => {
      for (const debian of ['amd64', 'arm64']) {
        const file = join(out, `wasbox_${version}_${debian}.deb`);
        const { status, stdout } = spawnSync('lintian', [file], { encoding: 'utf8' });
        expect([stdout, status]).toEqual(['', 0]);
      }
    },
    300_000,
  );

  test('is linked hardened, for addresses that do not change', () => {
    for (const arch of ['x64', 'arm64']) {
      const debian = arch === 'x64' ? 'amd64' : 'arm64';
      const native = join(work, `deb-${debian}/usr/lib/wasbox/dist/native/linux-${arch}`);
      const headers = (name: string) =>
        execFileSync('readelf', ['-lW', join(native, name)], { encoding: 'utf8' });
      for (const name of ['wasbox-engine', 'wasbox', 'wasbox-init', 'wasbox.node']) {
        expect(headers(name), name).not.toMatch(/^ +LOAD.* RWE /m);
        expect(headers(name), name).not.toMatch(/^ +GNU_STACK.* RWE /m);
      }
      for (const name of ['wasbox-engine', 'wasbox.node'])
        expect(headers(name), name).toMatch(/^ +GNU_RELRO /m);
      expect(headers('wasbox-engine')).toMatch(/type is EXEC/);
    }
  });

  test('names what is bundled, as the notices do', () => {
    const bill = JSON.parse(fs.readFileSync(join(out, `wasbox-${version}.cdx.json`), 'utf8'));
    expect([bill.bomFormat, bill.metadata.component.version]).toEqual(['CycloneDX', version]);
    const notices = fs.readFileSync(
      join(work, `deb-${own}`, 'usr/lib/wasbox/dist/THIRD-PARTY.txt'),
      'utf8',
    );
    const headings = notices.match(/^={78}\n.*\n={78}$/gm) ?? [];
    expect(headings.length).toBeGreaterThan(4);
    expect(bill.components).toHaveLength(headings.length);
    const linked = bill.components.filter(({ purl }: { purl: string }) => /generic/.test(purl));
    expect(linked.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['quickjs', 'musl', 'zlib', 'libgcc', 'systemd', 'firejail']),
    );
    for (const { name, version: its = '', licenses } of bill.components) {
      expect(notices).toContain(`\n${name} ${its} (`);
      expect(licenses[0].expression).toMatch(/^[\w.-]+( (OR|AND|WITH) [\w.-]+)*$/);
    }
  });
});
