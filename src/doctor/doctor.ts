/** Finds what this machine offers to sandboxes, what is missing, and the exact fix. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { makeStateDirectory, openStore, removeDirectory, stateError } from '../changes/index.js';
import { WasboxError } from '../errors/index.js';
import type { HostFacts } from '../host/index.js';
import {
  hostFacts,
  landlockMinimumAbi,
  landlockObstacle,
  realHost,
  refusePlace,
} from '../host/index.js';
import { adviseSetupFailure } from '../leads/index.js';
import type { Native, NativeProbe } from '../native/index.js';
import { loadNative } from '../native/index.js';
import { findCgroup } from '../resolve/index.js';
import { wasboxVersion } from '../version.js';
import type { Diagnosis, DoctorHost } from './diagnosis.js';
import { imagesFinding } from './images.js';
import { networkFinding } from './network.js';
import { overlayFinding } from './overlay.js';
import { type Finding, findingOf, runFinding } from './run.js';

function probeDirectory(state: string): string {
  try {
    return mkdtempSync(join(state, 'probe-'));
  } catch (error) {
    throw stateError(state, error);
  }
}

/** Tries, in a directory of the state directory's file system, what a run would do. */
function probe(native: Native): NativeProbe {
  const store = openStore(native);
  makeStateDirectory(store);
  const state = store.directory;
  const directory = probeDirectory(state);
  try {
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(directory, name));
    return native.probe(directory);
  } finally {
    removeDirectory(native, directory);
  }
}

function step(
  native: Native,
  facts: HostFacts,
  name: string,
  stepName: string,
  errno: number,
): Finding {
  if (errno === 0) return { name, verdict: 'good', detail: 'works' };
  const { code, message } = native.errnoName(errno);
  if (code === 'ECANCELED') {
    return { name, verdict: 'missing', detail: 'not tested: it depends on a check that failed' };
  }
  const advice = adviseSetupFailure(
    { step: stepName, errno: code, errnoText: message, path: undefined },
    facts,
  );
  return { name, verdict: 'missing', detail: advice.message, fix: advice.hint };
}

function landlockFinding(abi: number): Finding {
  const name = 'Landlock';
  const more =
    abi < 9 ? '; Linux 7.1 also blocks UNIX sockets that appear in what a run is shown' : '';
  if (abi >= 6) return { name, verdict: 'good', detail: `ABI ${abi}${more}` };
  if (abi >= landlockMinimumAbi) {
    return {
      name,
      verdict: 'degraded',
      detail: `ABI ${abi}: with --net host, programs can reach the host's abstract UNIX sockets`,
      fix: 'Linux 6.12 or newer blocks this.',
    };
  }
  const { why, fix } = landlockObstacle(abi, landlockMinimumAbi, release());
  return {
    name,
    verdict: 'degraded',
    detail: `${why}, so runs lack this second layer of protection`,
    fix,
  };
}

/** Returns what holds a run's limits. All of them hold in any case. */
function limitsFinding(native: Native): Finding {
  const name = 'limits on memory, processor time and processes of a whole run';
  const place = findCgroup(realHost({ native }));
  if (place !== undefined) {
    return { name, verdict: 'good', detail: `enforced by the kernel, with a cgroup in ${place}` };
  }
  return {
    name,
    verdict: 'degraded',
    detail:
      'enforced by the supervisor, which samples what a run uses: a run can exceed a limit for a moment, and memory in pipes and sockets does not count',
    fix: 'The kernel enforces them if this user can create cgroups (version 2) with the memory and pids controllers, for example in a program started by the user’s own systemd:\n  systemd-run --user --scope wasbox run …',
  };
}

/** Tries the parts that a run is made of, each by itself. */
function parts(native: Native): Finding[] {
  const facts = hostFacts(openStore(native).directory);
  const probed = probe(native);
  const list = [
    step(
      native,
      facts,
      'user, mount, pid, net, ipc, uts, cgroup namespaces',
      'namespaces',
      probed.namespacesErrno,
    ),
    step(native, facts, 'a private /proc', 'proc', probed.procErrno),
    overlayFinding(
      step(native, facts, 'overlayfs in a user namespace', 'overlay', probed.overlayErrno),
      realHost({ native }),
      facts,
      native.errnoName(probed.overlayErrno).code,
    ),
    step(native, facts, 'seccomp filters', 'seccomp', probed.seccompErrno),
    landlockFinding(probed.landlockAbi),
    limitsFinding(native),
    imagesFinding(realHost({ native }), facts, openStore(native).directory, probed.overlayErrno),
  ];
  if (!facts.root) return list;
  return [...list, step(native, facts, 'id-mapped mounts', 'idmap-mount', probed.idmapErrno)];
}

/** The last is a real run; its verdict is this machine's. */
async function findings(): Promise<Finding[]> {
  try {
    refusePlace();
  } catch (error) {
    if (error instanceof WasboxError) return [findingOf('a run', 'missing', error)];
    throw error;
  }
  const { native } = loadNative();
  const list: Finding[] = [];
  try {
    list.push(...parts(native));
  } catch (error) {
    if (!(error instanceof WasboxError)) throw error;
    list.push(findingOf('the state directory', 'missing', error));
  }
  const run = await runFinding(native);
  if (run.verdict !== 'missing') list.push(await networkFinding(native));
  return [...list.map((one) => beside(run, one)), run];
}

/** If runs work, a missing part only degrades them; each fix is printed once. */
function beside(run: Finding, { fix, verdict, ...one }: Finding): Finding {
  if (run.verdict !== 'missing' && verdict === 'missing')
    return { ...one, verdict: 'degraded', fix };
  return { ...one, verdict, fix: fix === run.fix ? undefined : fix };
}

/** Returns the runtime of this command. */
export function runtime(): Pick<DoctorHost, 'node' | 'quickjs'> {
  const { quickjs } = process.versions as Readonly<Record<string, string | undefined>>;
  return quickjs === undefined ? { node: process.version } : { quickjs };
}

export async function diagnose(): Promise<Diagnosis> {
  const list = await findings();
  return {
    wasboxVersion,
    host: { kernel: release(), ...runtime(), arch: process.arch },
    ready: list.at(-1)?.verdict !== 'missing',
    findings: list,
  };
}
