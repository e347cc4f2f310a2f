/** Shows what `apply` would do, and the content of a changed file, without a write to the host. */
import { readFileSync } from 'node:fs';
import { type DeletionOptions, deletionRefusals } from '../apply/deletions.js';
import { policyRefusal } from '../apply/refusal.js';
import { selectChanges, selectToApply } from '../apply/select.js';
import { withFd } from '../files/fdtree.js';
import { type ApplyReport, losesBits, type Run, sortChanges } from '../model/index.js';
import { changesOf } from '../scan/tree-changes.js';
import { openRunDirectory } from '../store/run-directory.js';
import { withSessions } from '../store/session.js';
import type { Store } from '../store/state-dir.js';
import { explainingState } from '../store/state-error.js';
import { expectedRefusals } from './expected-refusals.js';
import { fromLayer } from './file-contents.js';

/**
 * The report that `applyRun` would give. What only the write itself meets, such as a full disk, is not in
 * it.
 *
 * @param paths as for `applyRun`; @default all changes
 */
export function previewApply(
  store: Store,
  run: Run,
  paths?: readonly (string | Buffer)[],
  options: DeletionOptions = {},
): ApplyReport {
  return explainingState(store, run.record.id, () =>
    withFd(openRunDirectory(store, run), (directory) =>
      withSessions(store.native, directory, run.record, (sessions) => {
        const all = sortChanges(sessions.flatMap((session) => changesOf(session)));
        const { chosen, named, unmatched } = selectToApply(all, paths);
        const changes = all.filter((change) => chosen.has(change));
        const refuse = deletionRefusals(sessions, changes, options);
        const messages = expectedRefusals(changes, named, refuse);
        return {
          applied: changes.filter((change) => !messages.has(change)),
          refused: [...messages].map(([change, message]) => {
            const refusal = refuse(change) ?? policyRefusal(change, named.has(change));
            const reason = refusal?.reason ?? 'parent-missing';
            return { change, reason, message };
          }),
          left: all.filter((change) => !chosen.has(change)),
          stripped: changes.filter(losesBits),
          settled: [],
          unmatched,
        };
      }),
    ),
  );
}

/**
 * The content of a file as the run left it; undefined if it changed no file at that path, or deleted it.
 *
 * @param path below the working directory, or absolute in one of the run's directories
 */
export function readChanged(store: Store, run: Run, path: string | Buffer): Buffer | undefined {
  return withFd(openRunDirectory(store, run), (directory) =>
    withSessions(store.native, directory, run.record, (sessions) => {
      const all = sessions.flatMap((session) => changesOf(session));
      const { chosen } = selectChanges(all, [path], { exactly: true, parents: false });
      const [change] = [...chosen].filter(({ after }) => after?.type === 'file');
      const session = change && sessions[change.tree];
      return session && fromLayer(session, change, (fd) => readFileSync(fd));
    }),
  );
}
