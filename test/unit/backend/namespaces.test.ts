/** Tests what the backend of namespaces makes of views, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { namespaceBackend, ownNamespaces } from '../../../src/backend/index.js';
import { SupportError } from '../../../src/errors/index.js';
import { WB_LOWERS_MAX } from '../../../src/plan/wire.generated.js';
import type { HostView, SandboxSpec, View } from '../../../src/resolve/index.js';
import { resolve } from '../resolve/support.js';

const spec = resolve({});

const host = (target: string, view: Partial<HostView> = {}): HostView => ({
  type: 'host',
  source: `/host${target}`,
  target,
  access: 'read',
  persistence: 'host',
  directory: true,
  origin: 'user',
  ...view,
});
const copied = { access: 'copy-on-write', persistence: 'kept' } as const;
const lowers = [{ source: '/image/1' }, { source: '/image/0' }];
const home: View = {
  type: 'private',
  target: '/home',
  access: 'write',
  persistence: 'private',
  mode: 0o700,
  origin: 'system',
};

const lower = (views: readonly View[], more: Partial<SandboxSpec> = {}) =>
  namespaceBackend.lower({ ...spec, ...more, views });

describe('the namespaces of a sandbox', () => {
  const isolation = 'namespaces';

  it('are all, but the network of the host where it is shared', () => {
    expect(ownNamespaces({ net: 'none', isolation })).toHaveLength(7);
    expect(ownNamespaces({ net: 'host', isolation })).toHaveLength(6);
    expect(ownNamespaces({ net: 'host', isolation })).not.toContain('net');
    expect(namespaceBackend.lower(spec).namespaces).toEqual(ownNamespaces(spec));
  });
});

describe('a view', () => {
  it('is an operation for each, in their order', () => {
    const { operations } = namespaceBackend.lower(spec);
    expect(operations.map(({ target }) => target)).toEqual(spec.views.map(({ target }) => target));
  });

  it.each([
    ['read', host('/a'), { type: 'bind', readOnly: true }],
    ['write', host('/a', { access: 'write' }), { type: 'bind', readOnly: false }],
    ['a file', host('/a', { directory: false }), { type: 'bind', directory: false }],
    ['copy-on-write', host('/a', copied), { type: 'overlay', source: '/host/a' }],
    ['a stack', host('/a', { ...copied, lowers }), { type: 'overlay', lowers }],
    ['a stack to read', host('/a', { lowers }), { type: 'overlay', lowers, readOnly: true }],
    ['private', home, { type: 'private', mode: 0o700 }],
    [
      'hidden',
      { type: 'hidden', target: '/a', access: 'none', directory: true },
      { type: 'hide', directory: true },
    ],
  ] as [string, View, object][])('is lowered: %s', (_, view, operation) => {
    expect(lower([view]).operations).toEqual([expect.objectContaining(operation)]);
  });

  it('comes first if it is the root', () => {
    const root = host('/', { ...copied, lowers });
    const { operations } = lower([home, root]);
    expect(operations.map(({ target }) => target)).toEqual(['/', '/home']);
    expect(operations[0]).toMatchObject({ type: 'overlay', source: '/host/', lowers });
  });

  it('can be an entry below a private place of a root of the host', () => {
    const link: View = { type: 'symlink', target: '/home/link', to: 'x' };
    expect(lower([host('/'), home, link]).operations).toHaveLength(3);
  });
});

describe('a plan that cannot be kept', () => {
  const root = host('/');
  const many = Array.from({ length: WB_LOWERS_MAX + 1 }, (_, i) => ({ source: `/image/${i}` }));
  it.each([
    [
      'a root to write to',
      [host('/', { access: 'write' })],
      '/: /host/ (write) cannot be the root',
    ],
    ['a file as root', [host('/', { directory: false })], 'cannot be the root'],
    ['a private root', [{ ...home, target: '/' }], '/: a private view cannot be the root'],
    [
      'a hidden root',
      [{ type: 'hidden', target: '/', access: 'none', directory: true }],
      'the root',
    ],
    ['two roots', [root, host('/', copied)], 'more than one view is mounted at'],
    [
      'a link on it',
      [root, { type: 'symlink', target: '/bin', to: 'usr/bin' }],
      '/bin: cannot create a symlink',
    ],
    [
      'a directory on it',
      [root, { type: 'directory', target: '/x', mode: 0o755 }],
      '/x: cannot create a directory',
    ],
    [
      'a file on it',
      [root, { type: 'file', target: '/x', content: new Uint8Array(), mode: 0o444 }],
      '/x: cannot create a file in /host/, which is the root',
    ],
    ['a file copy-on-write', [host('/a', { ...copied, directory: false })], 'a single file'],
    ['a stack of files', [host('/a', { lowers, directory: false })], 'a single file'],
    [
      'a stack to write to',
      [host('/a', { access: 'write', lowers })],
      'needs a directory for the writes',
    ],
    ['a tall stack', [host('/a', { ...copied, lowers: many })], 'more than 129 directories'],
    [
      'copy-on-write that is not kept',
      [host('/a', { ...copied, persistence: 'private' })],
      'cannot be private',
    ],
    [
      'writes that are kept',
      [host('/a', { access: 'write', persistence: 'kept' })],
      'cannot be saved',
    ],
    ['a private place that is kept', [{ ...home, persistence: 'kept' }], 'cannot be saved'],
  ] as [string, View[], string][])('is refused: %s', (_, views, message) => {
    expect(() => lower(views)).toThrow(SupportError);
    expect(() => lower(views)).toThrow(message);
    expect(() => lower(views)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND' }));
  });

  it('is refused for a stack that the plan has no room for, and no lower one', () => {
    const most = host('/a', { ...copied, lowers: many.slice(1) });
    expect(lower([most]).operations).toHaveLength(1);
  });

  it('is refused for several ranges of ids for an ordinary user', () => {
    const ranges = [{ inside: 0, outside: 1000, count: 1 }];
    const identity = { ...spec.identity, maps: { uids: ranges, gids: ranges } };
    expect(() => lower([], { identity })).toThrow('only root can map');
    expect(lower([], { identity: { ...identity, privileged: true } }).operations).toEqual([]);
  });
});
