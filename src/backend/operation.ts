/** The operations by which init builds a file tree, in the words of the plan. */
import type {
  DeviceView,
  DevptsView,
  DirectoryEntry,
  FileEntry,
  FileIdentity,
  LowerDirectory,
  MqueueView,
  ProcView,
  SymlinkEntry,
  ViewOrigin,
} from '../resolve/index.js';

/** A mount of a host file or directory. Sub-mounts come along. */
export interface BindOperation {
  readonly type: 'bind';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly directory: boolean;
  readonly origin: ViewOrigin;
  readonly identity?: FileIdentity | undefined;
}

/** Host directories as one (overlayfs). */
export interface OverlayOperation {
  readonly type: 'overlay';
  readonly source: string;
  readonly target: string;
  /** Directories below the source, upper ones first. @default none */
  readonly lowers?: readonly LowerDirectory[] | undefined;
  /** Set without a layer: nothing can be written. @default false */
  readonly readOnly?: boolean;
  /** True if writes go to the sandbox's own memory; with a layer, that gets a copy at the end. @default false */
  readonly inMemory?: boolean;
  /** The directory that takes what is written, below the run's. */
  readonly layer?: string;
  readonly origin: ViewOrigin;
  readonly identity?: FileIdentity | undefined;
  /** True if mount points and links are made in it. @default false */
  readonly home?: true;
}

/** An empty directory in the sandbox's own memory. */
export interface PrivateOperation {
  readonly type: 'private';
  readonly target: string;
  readonly mode: number;
  readonly origin: ViewOrigin;
  /** It is a directory of this layer instead, below the run's directory, with that one's mode. */
  readonly layer?: string;
  readonly home?: true;
}

/** An empty, unreadable mount over what is there. */
export interface HideOperation {
  readonly type: 'hide';
  readonly target: string;
  readonly directory: boolean;
  readonly origin?: 'state';
}

/** They are carried out in order. One with the target `/` is the first, and makes the root. */
export type Operation =
  | BindOperation
  | OverlayOperation
  | PrivateOperation
  | HideOperation
  | DirectoryEntry
  | SymlinkEntry
  | FileEntry
  | ProcView
  | DevptsView
  | MqueueView
  | DeviceView;
