/** Options and a host become a {@link SandboxSpec}; nothing is opened or made yet. */

import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import type { ResolveOptions, RunOptions } from '../options/index.js';
import { spoken, validateRunOptions } from '../options/index.js';
import { learnAgain, readProfile, withProfile } from '../profile/index.js';
import { resolveCommand } from './command.js';
import { addCopyOnWrite } from './cow.js';
import { Draft } from './draft.js';
import { resolveEnv } from './env.js';
import { noteGitElsewhere } from './git-note.js';
import { resolveGuards } from './guards.js';
import { addHidden } from './hide.js';
import { resolveIdentity } from './identity.js';
import { imageSpec, resolveImage } from './image.js';
import { startDirectory } from './image-start.js';
import { ownOf, resolveIsolation } from './isolation.js';
import { memoryNote } from './layer-place.js';
import { resolveLimits } from './limits.js';
import { addSystem, addUserPaths, addWorkdir, writablePlaces } from './mounts.js';
import { resolveNetwork } from './network.js';
import { noteForeignOwner } from './owner-note.js';
import { addPackages, packageProgram, refusePackagesInImage, withPackages } from './packages.js';
import { resolvePolicy } from './policy.js';
import { addPresets, resolvePresets } from './presets.js';
import { showToolTrees } from './programs.js';
import type { SandboxSpec, TerminalMode } from './spec.js';
import { hideSpecialFiles } from './special-files.js';
import { findState, hideState } from './state.js';
import { hostName } from './system.js';
import { addSystemFiles } from './system-files.js';
import { resolveTerminal } from './terminal.js';
import { untrustedDirectories } from './untrusted-link.js';
import { isCopied } from './views.js';
import { resolveWorkdir } from './workdir.js';

/** How a run is asked for, beside its options. */
export interface Caller {
  /** Says whether the payload gets a terminal of its own where no option says so. @default 'never' */
  readonly terminal?: TerminalMode | undefined;
  /** True if stderr is the user's, who is told of ports that are open inside only. @default false */
  readonly tellsPorts?: boolean | undefined;
  /** Called often while directories are searched for `--hide`, with how many names were seen. */
  readonly onSearch?: ((names: number) => void) | undefined;
}

/**
 * Decides everything about a sandbox: what runs, as whom, what it sees, and within which limits.
 * Reads the host's files, and standard input where the script comes from there; changes nothing but what a search
 * of the home keeps in the state directory.
 * @throws UsageError where the options ask for something that cannot be
 * @throws SupportError where this kernel cannot keep what they ask for
 * @throws ChangesError where there is no place for the state directory
 */
export function resolveSpec(given: ResolveOptions, host: Host, caller: Caller = {}): SandboxSpec {
  const { terminalSize: _, install: __, ...named } = given; // the library's own
  validateRunOptions(named);
  refuseDroppingEarlier(given);
  refusePackagesInImage(given);
  const workdir = resolveWorkdir(given, host);
  const profile = readProfile(given, host, workdir);
  const asked = withProfile(given, profile);
  const isolation = resolveIsolation(asked, host);
  const own = ownOf({ isolation });
  const image = resolveImage(asked, host, workdir.path);
  const identity = resolveIdentity(asked, host, workdir, own, image?.user);
  const presets = resolvePresets(asked, host, identity, workdir, image);
  const { options } = presets;
  const untrusted = untrustedDirectories(options, host, workdir.path);
  const ofProfile = given.policy === undefined ? profile : undefined;
  const policy = resolvePolicy(options, host, ofProfile, untrusted);
  const learned = given.policy === undefined && profile?.learned === true;
  const draft = new Draft(options, host, identity, workdir, profile?.places, image);
  if (own.note !== undefined) draft.note(own.note);
  const network = resolveNetwork(options, host, (text) => draft.note(text));
  addSystem(draft, network.net, own);
  addWorkdir(draft);
  addUserPaths(draft);
  addCopyOnWrite(draft);
  addPresets(draft, presets);
  refuseNothingToContinue(draft);
  noteGitElsewhere(draft);
  noteForeignOwner(draft);
  if (image === undefined) showToolTrees(draft);
  const state = findState(host, identity);
  addHidden(draft, state, caller.onSearch);
  if (own.tree && image === undefined) addSystemFiles(draft);
  const packages = addPackages(draft, own);
  const command = packageProgram(draft) ?? resolveCommand(draft);
  const start = startDirectory(draft);
  if (own.tree) hideSpecialFiles(draft);
  const { terminal, asking } = resolveTerminal(options, host, caller.terminal ?? 'never');
  const views = hideState(host, state, draft.tree.list());
  const kept = { isolation, identity, views, state };
  const inMemory = memoryNote({ ...kept, continues: options.continue }, host);
  if (inMemory !== undefined) draft.note(inMemory);
  const limits = resolveLimits(draft, inMemory !== undefined);
  const guarded = { ...network, views, limits, terminal, asks: asking !== undefined };
  return {
    ...kept,
    command,
    hostname: hostName,
    ...(image === undefined ? {} : { image: imageSpec(image) }),
    cwd: start.name,
    realCwd: start.path,
    ...(workdir.marker === undefined
      ? {}
      : { project: { path: workdir.name, marker: workdir.marker } }),
    env: withPackages(resolveEnv(draft, start.name), packages),
    ...(Object.keys(options.env ?? {}).length > 0 ? { hasGivenEnv: true as const } : {}),
    ...(caller.tellsPorts === true && own.network && network.net !== 'host'
      ? { tellsPorts: true as const }
      : {}),
    ...(inMemory === undefined ? {} : { layersInMemory: true as const }),
    writable: writablePlaces(draft),
    ...network,
    limits,
    policy: learned ? { ...policy, learned: learnAgain(options, profile.name) } : policy,
    guards: resolveGuards(host, guarded),
    terminal,
    ...(options.terminalSize === undefined ? {} : { terminalSize: options.terminalSize }),
    asking,
    landlockAbi: host.landlockAbi(),
    audit: options.audit === true,
    ...changesPolicy(options),
    continues: options.continue,
    notes: draft.notes,
  };
}

/** `--rw` or `--ro` may have taken the place of everything that is copy-on-write. */
function refuseNothingToContinue({ options, tree }: Draft): void {
  const copied = tree.list().some(isCopied);
  if (options.continue === undefined || copied) return;
  throw new UsageError('ERR_USAGE', spoken`--continue: this run mounts nothing copy-on-write`, {
    hint: spoken`Remove the --ro or --rw that covers the working directory.`,
  });
}

/** One word is about a run that succeeds: any other is to be looked at. */
function changesPolicy({
  changes = 'keep',
}: RunOptions): Pick<SandboxSpec, 'changes' | 'changesOnFailure'> {
  if (typeof changes === 'string') return { changes };
  const { success, failure } = changes;
  return { changes: success, ...(failure === 'discard' ? { changesOnFailure: failure } : {}) };
}

/** Refuses to drop what an earlier run kept. */
function refuseDroppingEarlier(options: RunOptions): void {
  const { continue: id } = options;
  const { changes, changesOnFailure } = changesPolicy(options);
  if (id === undefined || (changes !== 'discard' && changesOnFailure === undefined)) return;
  throw new UsageError('ERR_USAGE', spoken`--continue cannot be used with --discard`, {
    hint: `That would discard the changes of run ${id}, too. To discard them after the run: wasbox discard ${id}`,
  });
}
