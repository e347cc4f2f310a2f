/**
 * Types of the platform's own classes in the public declarations: those that the user's project
 * knows, and `never` where it knows none, so that the declarations compile with and without the DOM library.
 */

/** Type of the global variable `Name`; `unknown` where nothing declares it. */
export type Global<Name extends string> =
  typeof globalThis extends Record<Name, infer Type> ? Type : unknown;

type InstanceOf<Class> = Class extends { prototype: infer Type } ? Type : never;

/** `URL`, where it is declared. */
export type PlatformUrl = InstanceOf<Global<'URL'>>;
/** `Response` of fetch, where it is declared. */
export type PlatformResponse = InstanceOf<Global<'Response'>>;
