import { describe, expect, it } from 'vitest';
import { directory, type FakeEntry } from './fake-host.js';
import { mountAt, refusal, resolve } from './support.js';

const state = '/home/ann/.local/state/wasbox';
const hidden = (target: string) => ({
  type: 'hidden',
  target,
  access: 'none',
  directory: true,
  origin: 'state',
});

describe('the state directory', () => {
  it('is hidden wherever it would be shown, whether it is there or not', () => {
    expect(resolve({}).views.some(({ type }) => type === 'hidden')).toBe(false);
    expect(mountAt(resolve({ ro: ['/home/ann'] }), state)).toEqual(hidden(state));
    const elsewhere = resolve({ ro: ['/home/ann:/mnt'] });
    expect(mountAt(elsewhere, '/mnt/.local/state/wasbox')).toEqual(
      hidden('/mnt/.local/state/wasbox'),
    );
  });

  it('cannot be renamed away below what is writable', () => {
    const { views, guards } = resolve({ rw: ['/home/ann'], workdir: '/home/ann/proj' });
    const binds = views.flatMap((view) =>
      view.type === 'host' && view.access === 'write' ? [view.target] : [],
    );
    expect(binds).toEqual(['/home/ann', '/home/ann/.local', '/home/ann/.local/state']);
    expect(guards.files).toContain('--rw /home/ann');
  });

  it('is hidden under each path at which a mount shows it', () => {
    const machine = { mounted: { [state]: ['/srv/state/wasbox'] }, files: { '/srv/x': 'text' } };
    const spec = resolve({ ro: ['/srv'] }, machine);
    expect(mountAt(spec, '/srv/state/wasbox')).toEqual(hidden('/srv/state/wasbox'));
    expect(spec.state.paths).toEqual([state, '/srv/state/wasbox']);
  });

  it('is hidden, too, if other variables named it and it is one', () => {
    const at = (files: Record<string, FakeEntry>) =>
      resolve({ ro: ['/home/ann'] }, { env: { XDG_STATE_HOME: '/srv' }, files });
    expect(mountAt(at({ [`${state}/saved`]: directory }), state)).toEqual(hidden(state));
    expect(mountAt(at({ [`${state}/notes`]: directory }), state)).toBeUndefined();
  });

  it('is not to be shown itself, nor a writable link to it', () => {
    const files = { [`${state}/runs`]: directory };
    expect(refusal({ ro: [`${state}/runs`] }, { files }).code).toBe('ERR_PATH');
    expect(refusal({ cow: ['/home/ann/.local'] }, { files }).code).toBe('ERR_WORKDIR');
    const linked = {
      env: { XDG_STATE_HOME: '/data/link' },
      files: { '/data/link': { link: '/srv/state' }, '/srv/state/wasbox/runs': directory },
    };
    expect(refusal({ rw: ['/data'] }, linked).message).toContain('/data/link cannot be writable');
  });
});
