/**
 * Names limits that a failed program may have met where no counter tells: the kernel counts no refused descriptor, and
 * samples miss a process that ends at once. The end of the program's output says which; a low limit is named anyway.
 */
import { spoken } from '../options/index.js';
import type { RunReport } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { LastOutput } from './last-output.js';

/** The number of files that a process may open nearly everywhere. */
const usualFiles = 1024;

/**
 * @param reached limits that the report names already
 * @param start the command that takes limits of the sandbox, where the program's own start does not
 */
export function namedLimits(
  { limits: { openFiles, processes } }: SandboxSpec,
  reached: RunReport['reached'],
  { limits: named }: LastOutput,
  start?: string,
): string[] {
  const before = start === undefined ? '' : `${start} `;
  const isTold = (limit: string): boolean => reached.some((one) => one.limit === limit);
  const few = openFiles !== undefined && openFiles < usualFiles && start === undefined;
  const lines: string[] = [];
  if (openFiles !== undefined && !isTold('open-files') && (few || named.has('open-files')))
    lines.push(
      spoken`a process may open no more than ${openFiles} files. If it needed more: ${before}--open-files ${2 * openFiles}`,
    );
  if (processes !== undefined && !isTold('pids') && named.has('pids'))
    lines.push(
      spoken`there may be no more than ${processes} processes and threads. If it needed more: ${before}--pids ${2 * processes}`,
    );
  return lines;
}
