/** Kinds of views, as several stages ask for them, and the views that are made in several places. */
import type { Access, HiddenView, HostView, PrivateView, View } from './spec.js';

type With<A extends Access> = HostView & { readonly access: A };

/** Shown copy-on-write: what is written is kept for review. */
export const isCopied = (view: View | undefined): view is With<'copy-on-write'> =>
  view?.type === 'host' && view.access === 'copy-on-write' && view.persistence === 'kept';

/** Shown as it is on the host, read-only or not. */
export const isPassed = (view: View | undefined): view is With<'read' | 'write'> =>
  view?.type === 'host' && view.access !== 'copy-on-write';

/** Returns whether writes reach the host. */
export const reachesHost = (view: View | undefined): view is With<'write'> =>
  view?.type === 'host' && view.access === 'write';

export const isReadOnly = (view: View | undefined): view is With<'read'> =>
  view?.type === 'host' && view.access === 'read';

type Given<T extends View> = Omit<T, 'type' | 'access' | 'persistence'>;

export const passedView = (readOnly: boolean, view: Given<HostView>): HostView => ({
  type: 'host',
  access: readOnly ? 'read' : 'write',
  persistence: 'host',
  ...view,
});

export const copiedView = (view: Omit<Given<HostView>, 'directory'>): HostView => ({
  type: 'host',
  access: 'copy-on-write',
  persistence: 'kept',
  directory: true,
  ...view,
});

export const privateView = (view: Given<PrivateView>): PrivateView => ({
  type: 'private',
  access: 'write',
  persistence: 'private',
  ...view,
});

export const hiddenView = (view: Given<HiddenView>): HiddenView => ({
  type: 'hidden',
  access: 'none',
  ...view,
});
