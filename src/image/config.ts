/** Reads what an image's configuration says of its programs, from JSON that others wrote. */
import { invalidImage } from './invalid.js';

/** The part of an image's configuration, as the OCI image specification names it: where and how its programs run. */
export interface ImageConfig {
  /** `NAME=VALUE`, as they are. Names are unique: the last one counts. */
  readonly env: readonly string[];
  /** Absolute path; `/` where the image names none. */
  readonly workingDir: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `USER`, `UID`, `USER:GROUP` or `UID:GID`; empty where the image names none. */
  readonly user: string;
  /** `80/tcp` */
  readonly exposedPorts: readonly string[];
  /** Absolute paths. */
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** GOARCH: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly os: string;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @throws WasboxError ERR_IMAGE where the bytes are no JSON object */
export function jsonObject(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw invalidImage(`${what} is not JSON`, { cause });
  }
  return objectOf(value as Json, what);
}

export function objectOf(value: Json | undefined, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidImage(`${what} is not an object`);
  }
  return value as JsonObject;
}

/** Empty where absent: Go writes `null` for what is empty. */
export function listOf(value: Json | undefined, what: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalidImage(`${what} is not a list`);
  return value as readonly Json[];
}

/** A text without NUL, which no argument, variable or path can have. Empty where absent. */
export function textOf(value: Json | undefined, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalidImage(`${what} is not a string`);
  if (value.includes('\0')) throw invalidImage(`${what} contains a NUL`);
  return value;
}

const textsOf = (value: Json | undefined, what: string): string[] =>
  listOf(value, what).map((one) => {
    if (typeof one !== 'string') throw invalidImage(`${what} contains something other than text`);
    return textOf(one, what);
  });

const keysOf = (value: Json | undefined, what: string): string[] =>
  value === undefined || value === null
    ? []
    : Object.keys(objectOf(value, what)).map((key) => textOf(key, what));

function envOf(value: Json | undefined): string[] {
  const found = new Map<string, string>();
  for (const one of textsOf(value, 'Env')) {
    const equals = one.indexOf('=');
    // Docker, too, ignores what names no variable.
    if (equals > 0) found.set(one.slice(0, equals), one);
  }
  return [...found.values()];
}

function absolute(path: string, what: string): string {
  if (path !== '' && !path.startsWith('/')) {
    throw invalidImage(`${what} is not an absolute path: ${JSON.stringify(path)}`);
  }
  return path;
}

function labelsOf(value: Json | undefined): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = Object.entries(objectOf(value, 'Labels'));
  return Object.fromEntries(entries.map(([name, text]) => [name, textOf(text, `label ${name}`)]));
}

/** @throws WasboxError ERR_IMAGE where a field has another type than the specification says */
export function imageConfig(image: JsonObject): ImageConfig {
  const config =
    image.config === undefined || image.config === null ? {} : objectOf(image.config, 'config');
  const workingDir = absolute(textOf(config.WorkingDir, 'WorkingDir'), 'WorkingDir');
  return {
    env: envOf(config.Env),
    workingDir: workingDir === '' ? '/' : workingDir,
    entrypoint: textsOf(config.Entrypoint, 'Entrypoint'),
    cmd: textsOf(config.Cmd, 'Cmd'),
    user: textOf(config.User, 'User'),
    exposedPorts: keysOf(config.ExposedPorts, 'ExposedPorts'),
    volumes: keysOf(config.Volumes, 'Volumes').map((path) => absolute(path, 'a volume')),
    labels: labelsOf(config.Labels),
    architecture: textOf(image.architecture, 'architecture'),
    os: textOf(image.os, 'os'),
  };
}
