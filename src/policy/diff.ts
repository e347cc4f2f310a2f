/** Two policies compared by what they do, not by how they are written. */
import { architectures, type CoreDifference, callName, compare } from '../core/index.js';
import { UsageError } from '../errors/index.js';
import { actionText, type PolicyAction, readAction } from './action.js';
import { compilePolicy, toCompiled } from './compile.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from './source.js';

/** Calls that two policies decide differently. */
export interface PolicyDifference {
  readonly arch: Architecture;
  /** Undefined for numbers that name no call. */
  readonly name: string | undefined;
  /** The number as the kernel sees it, with x32's bit; the last one where a whole gap differs. */
  readonly number: number;
  readonly lastNumber: number;
  /** True if conditions on arguments are involved; `args` is then one example of many. */
  readonly byArguments: boolean;
  /** Arguments of an example. */
  readonly args: readonly bigint[];
  readonly first: PolicyAction;
  readonly second: PolicyAction;
  /** The action as a policy writes it. */
  readonly firstText: string;
  readonly secondText: string;
}

const x32Bit = 0x4000_0000;

function describe(difference: CoreDifference, targets: readonly Architecture[]): PolicyDifference {
  const { event, lastNr, byArguments } = difference;
  const fits = architectures().filter(
    ({ audit, name }) => audit === event.arch && targets.includes(name as Architecture),
  );
  const isX32 = (event.nr & x32Bit) !== 0;
  const info = fits.find(({ numberBase }) => (numberBase !== 0) === isX32) ?? fits[0];
  const arch = (info?.name ?? 'x86_64') as Architecture;
  const first = readAction(difference.first);
  const second = readAction(difference.second);
  const single = event.nr === lastNr;
  return {
    arch,
    name: single ? callName(info?.index ?? 0, event.nr - (info?.numberBase ?? 0)) : undefined,
    number: event.nr,
    lastNumber: lastNr,
    byArguments,
    args: event.args,
    first,
    second,
    firstText: actionText(first, arch),
    secondText: actionText(second, arch),
  };
}

/**
 * Finds every call that two policies decide differently, each with an example. The comparison is
 * exact: an empty list means that no call on any target is decided differently.
 * @param options `arch` defaults to the targets of the first policy, for both
 * @throws PolicyError where one of them has errors
 */
export function diffPolicies(
  first: PolicySource,
  second: PolicySource,
  options: CompileOptions = {},
): PolicyDifference[] {
  const arch = options.arch ?? compilePolicy(first, options).targets;
  const [a, b] = [first, second].map((source) => requestOf(source, { ...options, arch }));
  if (a === undefined || b === undefined) return [];
  for (const [name, text] of Object.entries(a.includes)) {
    if (Object.hasOwn(b.includes, name) && b.includes[name] !== text) {
      throw new UsageError(
        'ERR_OPTION_VALUE',
        `the policies include two different files called ${name}`,
        {
          hint: 'Rename one of them.',
        },
      );
    }
  }
  const { differences, first: one, second: other } = compare(a, b);
  const { targets } = toCompiled(one);
  toCompiled(other);
  return differences.map((difference) => describe(difference, targets));
}
