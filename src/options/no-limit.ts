/** Says what the command line and profiles take for no limit. */
import type { OptionEntry } from './table.js';

/** Says what an option, or the key of a profile, takes for no limit, if that was meant; '' for what has none. */
export function noLimitText({ unlimited }: OptionEntry, option: string, meant: boolean): string {
  if (unlimited !== true || !meant) return '';
  return option.startsWith('--') && !option.includes(' ')
    ? `\nFor no limit: ${option} none`
    : '\nFor no limit, write none.';
}
