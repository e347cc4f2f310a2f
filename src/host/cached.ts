/**
 * A host that remembers for a moment what the system's directories hold, and how they are mounted, for a program
 * that resolves many runs: half of what that takes are questions about them.
 *
 * Only what is there is remembered, and only where root alone can change it: nothing untrusted decides
 * what is remembered, a program that was just installed is found, and one that was just removed fails
 * as it would where it is removed during the start.
 */
import type { Host, HostFiles, HostUser } from './interface.js';

/** Milliseconds after which everything is looked at again. */
export const memoryMs = 1000;
/** Answers kept at most: a program may ask for ever new names. */
const maxAnswers = 4096;

const system =
  /^\/(usr|bin|sbin|lib(32|64|x32)?|etc|nix|gnu|sys|var\/(lib|cache)|run\/current-system)(\/|$)/;

/** Returns whether only root can change what a path leads to. */
export const isSystemPath = (path: string): boolean => system.test(path);

type Answer = unknown;

export class HostMemory {
  readonly #now: () => number;
  readonly #answers = new Map<string, Answer>();
  #since = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds; @default the monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  #ask<T>(question: string, look: () => T): T {
    const now = this.#now();
    if (now - this.#since > memoryMs || this.#answers.size >= maxAnswers) {
      this.#answers.clear();
      this.#since = now;
    }
    const known = this.#answers.get(question);
    if (known !== undefined) return known as T;
    const answer = look();
    if (answer !== undefined) this.#answers.set(question, answer);
    return answer;
  }

  /** Returns the same host, asked less often. */
  host(host: Host): Host {
    const { files } = host;
    const once =
      <T>(name: string, look: (path: string) => T) =>
      (path: string): T =>
        isSystemPath(path) ? this.#ask(`${name} ${path}`, () => look(path)) : look(path);
    const remembering: HostFiles = {
      ...files,
      lstat: once('lstat', files.lstat),
      stat: once('stat', files.stat),
      readlink: once('readlink', files.readlink),
      realpath: once('realpath', files.realpath),
    };
    return {
      ...host,
      files: remembering,
      userById: (uid): HostUser | undefined => this.#ask(`user ${uid}`, () => host.userById(uid)),
      mountPaths: (directory) => this.#ask(`mounts ${directory}`, () => host.mountPaths(directory)),
      procMounts: () => this.#ask('proc mounts', () => host.procMounts()),
      landlockAbi: () => this.#ask('landlock', () => host.landlockAbi()),
      namespacesErrno: () => this.#ask('namespaces', () => host.namespacesErrno()),
    };
  }
}

const memory = new HostMemory();

/** The host with the memory that all runs of this process share. */
export const cachedHost = (host: Host): Host => memory.host(host);
