/** The text of the syscall policy and of the files that it includes. */
import { posix } from 'node:path';
import { UsageError, WasboxError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { shellQuote, spoken, spokenOption } from '../options/index.js';
import type { Profile } from '../profile/index.js';
import type { PolicySpec } from './spec.js';
import { leadsOut, untrustedLink } from './untrusted-link.js';

const sizeLimit = 1 << 20;
const fileLimit = 64;

/** The policy that the options name, with the rules of `--allow` above it: the first match decides. */
export function resolvePolicy(
  options: Pick<RunOptions, 'policy' | 'allow'>,
  host: Host,
  profile?: Profile | undefined,
  untrusted: readonly string[] = [],
): PolicySpec {
  const rules = options.allow ?? [];
  const inProfile = fromProfile(profile, host);
  const given = profile?.places.policy?.[0] ?? spokenOption('--policy');
  const named = () => namedPolicy(options, host, given, untrusted);
  const forKernel = (policy: PolicySpec): PolicySpec =>
    policy.text === undefined ? policy : { ...policy, kernel: host.kernelRelease() };
  if (inProfile === undefined) return forKernel(allowing(named(), rules));
  const policy = forKernel(allowing(inProfile, rules));
  const within = () => forKernel(allowing(named(), rules));
  return profile?.untrusted === true ? { ...policy, within: within() } : policy;
}

/** @param given the option, or its place in a profile */
function namedPolicy(
  { policy }: Pick<RunOptions, 'policy'>,
  host: Host,
  given: string,
  untrusted: readonly string[],
): PolicySpec {
  if (policy !== undefined) {
    const link = untrustedLink(host, posix.resolve(host.cwd() ?? '/', policy), untrusted);
    if (link) throw leadsOut('ERR_PATH', `${given} ${policy}`, link, shellQuote(link.to));
    return readFile(policy, host, given);
  }
  return { name: 'default', builtin: true, text: undefined, includes: {} };
}

/** Calls whose descriptors are of no use without requests that the built-in policy does not allow. */
const requests: readonly (readonly [call: RegExp, rule: string])[] = [
  [/\bperf_event_open\b/, 'ioctl where request & 0xff00 == 0x2400'],
  [/\buserfaultfd\b/, 'ioctl where request & 0xff00 == 0xaa00'],
];

/** The policy with rules of `--allow` above it. */
function allowing(policy: PolicySpec, rules: readonly string[]): PolicySpec {
  if (rules.length === 0) return policy;
  const broken = rules.find((rule) => /^[ \t]*$|[\n\r#"]/.test(rule));
  if (broken !== undefined) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      spoken`--allow ${JSON.stringify(broken)}: invalid rule`,
      {
        hint: spoken`Give a system call, with a condition if it needs one: --allow 'socket where domain == AF_ALG'`,
      },
    );
  }
  const more = requests.filter(([call]) => rules.some((rule) => call.test(rule)));
  const allowed = [...rules, ...more.map(([, rule]) => rule)]
    .map((rule) => `allow ${rule}\n`)
    .join('');
  const { name, builtin, text, includes } = policy;
  return {
    name: spoken`${name} and --allow ${rules.join(', ')}`,
    builtin,
    text: `${allowed}include ${JSON.stringify(name)}\n`,
    includes: text === undefined ? includes : { ...includes, [name]: text },
  };
}

/** The policy in a profile; it may include files of the profile's directory. */
function fromProfile(profile: Profile | undefined, host: Host): PolicySpec | undefined {
  if (profile?.policyText === undefined) return undefined;
  const { name, policyText: text, directory } = profile;
  const includes: Record<string, string> = {};
  collect(host, directory, text, includes);
  return { name, builtin: false, text, includes };
}

function readFile(file: string, host: Host, given: string): PolicySpec {
  const path = posix.resolve(host.cwd() ?? '/', file);
  const text = readPolicy(host, path);
  if (text === undefined) {
    const kind = host.files.stat(path)?.kind;
    throw new WasboxError(
      'ERR_POLICY_UNREADABLE',
      `${given} ${file}: ${kind === undefined ? 'no such file' : kind === 'file' ? 'unreadable, or longer than 1 MiB' : 'not a file'}`,
      { hint: spoken`Not found: ${path}. Without --policy, wasbox uses the built-in policy.` },
    );
  }
  const includes: Record<string, string> = {};
  collect(host, posix.dirname(path), text, includes);
  return { name: file, builtin: false, text, includes };
}

function readPolicy(host: Host, path: string): string | undefined {
  if (host.files.stat(path)?.kind !== 'file') return undefined;
  const bytes = host.files.read(path, sizeLimit + 1);
  if (bytes === undefined || bytes.length > sizeLimit) return undefined;
  return textOf(path, bytes);
}

function textOf(path: string, bytes: Uint8Array): string {
  try {
    if (!bytes.includes(0)) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Bytes that are not UTF-8 get the same error as those that a text cannot have.
  }
  throw new WasboxError('ERR_POLICY_UNREADABLE', spoken`--policy: ${path} is not text`, {
    hint: 'Give the policy, not the compiled filter: wasbox compiles it for each run.',
  });
}

/** Files beside the policy that `include` names; the core says where one is missing. */
function collect(host: Host, base: string, text: string, found: Record<string, string>): void {
  for (const [, name = ''] of text.matchAll(/^\s*include\s+"([^"\n]+)"/gm)) {
    if (Object.hasOwn(found, name) || Object.keys(found).length >= fileLimit) continue;
    const included = readPolicy(host, posix.resolve(base, name));
    if (included === undefined) continue;
    found[name] = included;
    collect(host, base, included, found);
  }
}
