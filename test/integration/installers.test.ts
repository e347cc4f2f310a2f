/**
 * Installers as they are piped from the web: uv's, rustup's, nvm's and Homebrew's in their manner (programs, caches,
 * start-up files), fetched from a local server. Previewed, picked and applied; where everything is named, home is
 * afterwards as after a run without wasbox. Needs: curl, tar.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { type Files, makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

/** The commands by which an installer uses URL, the server's address. */
const installers: Readonly<Record<string, string>> = {
  uv: `
    set -eu
    tmp=$(mktemp -d)
    curl -fsSL "$URL/tool.tar.gz" | tar -xz -C "$tmp"
    mkdir -p "$HOME/.local/bin" "$HOME/.config/uv"
    for name in uv uvx; do cp "$tmp/tool" "$HOME/.local/bin/$name"; chmod 755 "$HOME/.local/bin/$name"; done
    echo 'case ":$PATH:" in *:"$HOME/.local/bin":*) ;; *) export PATH="$HOME/.local/bin:$PATH" ;; esac' > "$HOME/.local/bin/env"
    echo '{"version": "1"}' > "$HOME/.config/uv/uv-receipt.json"
    for rc in .profile .zshenv; do printf '\\n. "$HOME/.local/bin/env"\\n' >> "$HOME/$rc"; done
    if [ -f "$HOME/.bashrc" ]; then printf '\\n. "$HOME/.local/bin/env"\\n' >> "$HOME/.bashrc"; fi
    rm -r "$tmp"
    "$HOME/.local/bin/uv"
    PATH="$HOME/.local/bin:$PATH" uvx`,
  rustup: `
    set -eu
    mkdir -p "$HOME/.rustup/toolchains/stable/bin" "$HOME/.rustup/downloads" "$HOME/.cargo/bin"
    curl -fsSL "$URL/tool.tar.gz" -o "$HOME/.rustup/downloads/x.partial"
    mv "$HOME/.rustup/downloads/x.partial" "$HOME/.rustup/downloads/x"
    tar -xzf "$HOME/.rustup/downloads/x" -C "$HOME/.rustup/toolchains/stable/bin"
    rm -r "$HOME/.rustup/downloads"
    cp "$HOME/.rustup/toolchains/stable/bin/tool" "$HOME/.cargo/bin/rustup"
    for name in cargo rustc; do ln "$HOME/.cargo/bin/rustup" "$HOME/.cargo/bin/$name"; done
    echo 'default_toolchain = "stable"' > "$HOME/.rustup/settings.toml"
    echo 'export PATH="$HOME/.cargo/bin:$PATH"' > "$HOME/.cargo/env"
    for rc in .profile .bashrc; do
      grep -qs cargo/env "$HOME/$rc" || echo '. "$HOME/.cargo/env"' >> "$HOME/$rc"
    done
    "$HOME/.cargo/bin/cargo"`,
  nvm: `
    set -eu
    mkdir -p "$HOME/.nvm/versions/node" "$HOME/.nvm/alias" "$HOME/.nvm/.cache/bin"
    curl -fsSL "$URL/tool.tar.gz" -o "$HOME/.nvm/.cache/bin/node.tar.gz"
    mkdir -p "$HOME/.nvm/versions/node/v1/bin"
    tar -xzf "$HOME/.nvm/.cache/bin/node.tar.gz" -C "$HOME/.nvm/versions/node/v1/bin"
    ln -s tool "$HOME/.nvm/versions/node/v1/bin/node"
    echo v1 > "$HOME/.nvm/alias/default"
    printf 'nvm() { :; }\\n' > "$HOME/.nvm/nvm.sh"
    rc="$HOME/.bashrc"; [ -f "$rc" ] || rc="$HOME/.profile"
    printf '\\nexport NVM_DIR="$HOME/.nvm"\\n[ -s "$NVM_DIR/nvm.sh" ] && . "$NVM_DIR/nvm.sh"\\n' >> "$rc"
    "$HOME/.nvm/versions/node/v1/bin/node"`,
  Homebrew: `
    set -eu
    umask 022
    mkdir -p "$HOME/homebrew/bin" "$HOME/homebrew/Cellar/tool/1" "$HOME/.cache/Homebrew"
    curl -fsSL "$URL/tool.tar.gz" -o "$HOME/.cache/Homebrew/bottle"
    tar -xzf "$HOME/.cache/Homebrew/bottle" -C "$HOME/homebrew/Cellar/tool/1"
    ln -s ../Cellar/tool/1/tool "$HOME/homebrew/bin/tool"
    echo 'eval "$($HOME/homebrew/bin/brew shellenv)"' >> "$HOME/.profile"
    "$HOME/homebrew/bin/tool"`,
};

let server: Server;
let url = '';
const served = new Map<string, Buffer>();

beforeAll(async () => {
  const directory = fs.mkdtempSync('/tmp/wasbox-installers-');
  fs.writeFileSync(join(directory, 'tool'), '#!/bin/sh\necho installed\n', { mode: 0o755 });
  const tar = ['-cz', '--owner=0', '--group=0', '-C', directory, 'tool'];
  served.set('/tool.tar.gz', execFileSync('tar', tar));
  fs.rmSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(installers)) {
    served.set(`/${name}.sh`, Buffer.from(`${text}\n`));
  }
  server = createServer((request, response) => {
    const bytes = served.get(request.url ?? '');
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

/** Every path below a directory; not in wasbox's own, where overlayfs keeps directories closed to their owner. */
function namesBelow(top: string, name = ''): string[] {
  if (name === '.local/state') return [];
  return fs.readdirSync(join(top, name), { withFileTypes: true }).flatMap((entry) => {
    const path = join(name, entry.name);
    return entry.isDirectory() ? [path, ...namesBelow(top, path)] : [path];
  });
}

/** Everything in a home but wasbox's state: type, mode, number of names, content. */
function snapshot(home: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of namesBelow(home)) {
    if (/^\.local(\/(state|share).*)?$/.test(name) || /^demo/.test(name)) continue;
    const info = fs.lstatSync(join(home, name));
    const mode = info.isSymbolicLink() ? '' : (info.mode & 0o7777).toString(8);
    const content = info.isSymbolicLink()
      ? fs.readlinkSync(join(home, name))
      : info.isFile()
        ? fs.readFileSync(join(home, name), 'latin1')
        : '';
    found[name] = [mode, info.isFile() ? info.nlink : 0, content];
  }
  return found;
}

const present: Files = { '.profile': '# mine\n', '.bashrc': 'alias a=b\n' };

function makeHome(
  as: Identity,
  files: Files,
): { home: string; cwd: string; env: Record<string, string> } {
  const home = makeProject(as, { 'demo/': '', ...files }, 'home');
  const env = { HOME: home, XDG_STATE_HOME: join(home, '.local/state'), URL: url };
  writeFiles(as, home, { '.local/state/': '' });
  return { home, cwd: join(home, 'demo'), env };
}

describe.each(identities())('as $label', (as) => {
  const cases = Object.keys(installers).flatMap((name) => [
    { name, mode: 'cow', files: present },
    { name, mode: 'empty', files: {} },
  ]);

  it.each(cases)('$name, --home $mode', async ({ name, mode, files }) => {
    const sandboxed = makeHome(as, files);
    const direct = makeHome(as, files);
    const start = snapshot(sandboxed.home);
    const script = await runProgram(['curl', '-fsSL', `${url}/${name}.sh`], { as });
    const options = ['--home', mode, '--net', 'host', '--env', 'URL'];
    const ran = await runWasbox(['run', ...options, '-'], {
      as,
      cwd: sandboxed.cwd,
      env: sandboxed.env,
      stdin: script.out,
    });
    expect([ran.status, ran.out]).toEqual([
      0,
      name === 'uv' ? 'installed\ninstalled\n' : 'installed\n',
    ]);
    expect(snapshot(sandboxed.home)).toEqual(start);
    const verb = (args: readonly string[]) =>
      runWasbox(args, { as, cwd: sandboxed.cwd, env: sandboxed.env });
    // Preview: everything that it would do.
    const paths = (await verb(['diff', '--name-only'])).out.trim().split('\n');
    expect(paths.every((path) => path.startsWith('~/'))).toBe(true);
    // Nothing comes without names; one program alone does.
    expect((await verb(['apply'])).out).toBe('');
    expect(snapshot(sandboxed.home)).toEqual(start);
    const [program = ''] = paths.filter((path) => /bin\/(uv|cargo|node|tool)$/.test(path));
    await verb(['apply', program]);
    expect(Object.keys(snapshot(sandboxed.home))).toContain(program.slice(2));
    // All by name: as without wasbox.
    const rest = paths.filter((path) => !`${program}/`.startsWith(`${path}/`));
    const applied = await verb(['apply', ...rest]);
    expect([applied.status, applied.err]).toEqual([0, '']);
    const outside = await runProgram(['sh', '-c', script.out], {
      as,
      cwd: direct.cwd,
      env: direct.env,
    });
    expect(outside.status).toBe(0);
    const [mine, wanted] = [snapshot(sandboxed.home), snapshot(direct.home)];
    // The program that came first is a file of its own, no longer a hard link.
    if (name === 'rustup') {
      for (const tree of [mine, wanted]) {
        for (const one of ['rustup', 'rustc', 'cargo']) {
          const entry = tree[`.cargo/bin/${one}`] as unknown[];
          tree[`.cargo/bin/${one}`] = [entry[0], entry[2]];
        }
      }
    }
    expect(mine).toEqual(wanted);
  });

  it('the lines for files that exist are appended', async () => {
    const { home, cwd, env } = makeHome(as, present);
    const script = served.get('/rustup.sh')?.toString() ?? '';
    const options = ['--net', 'host', '--env', 'URL'];
    const ran = await runWasbox(['run', ...options, '-'], { as, cwd, env, stdin: script });
    expect(ran.err).toContain('exists; the run did not see it');
    const rc = ['~/.profile', '~/.bashrc', '~/.cargo/bin', '~/.cargo/env', '~/.rustup'];
    const applied = await runWasbox(['apply', '--append', ...rc], { as, cwd, env });
    expect([applied.status, applied.err]).toEqual([0, '']);
    expect(fs.readFileSync(join(home, '.bashrc'), 'utf8')).toBe(
      'alias a=b\n. "$HOME/.cargo/env"\n',
    );
    expect(fs.lstatSync(join(home, '.cargo/bin/cargo')).nlink).toBe(3);
  });
});
