/** Lines about what a run was refused. formatSummary escapes them. */
import { joinRules, shellQuote, shellUnquote } from '../options/index.js';
import {
  butOf,
  noUnixSockets,
  type ReportRefusal,
  type ReportRefusals,
  whatOf,
  withoutOption,
} from './refusal-types.js';

/** Lines and targets shown without `-v`. */
const shownLines = 6;
const shownTargets = 3;

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/**
 * Returns what allows all refusals of a group; only network options differ within one. Many are not shown as one:
 * nothing but the list is as narrow as they are.
 */
function wayOut(group: readonly ReportRefusal[], verbose: boolean): string {
  const options = [...new Set(group.flatMap(({ option }) => option ?? []))];
  const [first] = options;
  if (first === undefined) return sentence(withoutOption(group[0]?.cause ?? ''));
  const but = group[0] === undefined ? '' : butOf(group[0]);
  if (options.length === 1) return `Allow with ${first}${but}`;
  if (options.length > shownTargets && !verbose) return 'Allow each by its name (-v lists them)';
  const list = joinRules(options.map((option) => shellUnquote(option.replace('--net ', ''))));
  return `Allow with --net ${shellQuote(list)}`;
}

/** One line for all refusals of a call with the same cause and option. */
function groupLine(group: readonly ReportRefusal[], verbose: boolean): string {
  const [first] = group;
  if (first === undefined) return '';
  const targets = [...new Set(group.map(whatOf).filter((text) => text !== ''))];
  const shown = targets.slice(0, verbose ? undefined : shownTargets);
  const more = targets.length - shown.length;
  const count = group.reduce((sum, one) => sum + one.count, 0);
  const what = [first.call, shown.join(', ')].filter(Boolean).join(' ');
  return (
    `  ${first.kind.padEnd(9)} ${what}${more > 0 ? ` and ${more} more` : ''}` +
    `${count > 1 ? ` ×${count}` : ''} — ${first.cause}. ${wayOut(group, verbose)}`
  );
}

/** Lines for the end of a run; none if nothing was blocked. */
export function refusalLines(refusals: ReportRefusals, verbose: boolean): string[] {
  if (refusals.watched === 'none') {
    const why = refusals.reason === undefined ? '' : ` (${refusals.reason})`;
    return verbose
      ? [`blocked calls were not recorded: this kernel provides no listener${why}`]
      : [];
  }
  const unseen = verbose ? [`not watched: ${refusals.unwatched.join('; ')}`] : [];
  const groups = new Map<string, ReportRefusal[]>();
  for (const one of refusals.calls) {
    if (one.cause === noUnixSockets && !verbose) continue;
    // Destinations differ only in the rule that allows them, if one does.
    const way = one.kind === 'network' ? one.option !== undefined : one.option;
    const key = [one.kind, one.call, one.cause, way].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  if (groups.size === 0) return unseen;
  const lines = [...groups.values()].map((group) => groupLine(group, verbose));
  const shown = verbose ? lines : lines.slice(0, shownLines);
  const rest = lines.length - shown.length;
  return [
    'blocked:',
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more kinds (-v lists them)`] : []),
    ...(refusals.dropped > 0 ? [`  and ${refusals.dropped} more that were not recorded`] : []),
    ...(refusals.learn === undefined
      ? []
      : [`  to add this run to the profile: ${refusals.learn}`]),
    ...unseen,
  ];
}
