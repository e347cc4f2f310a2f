export const pass: string | undefined;
export function missing(names: readonly string[]): string[];
export function hintOf(name: string): string;
export function isOptional(name: string): boolean;
export function tellMissing(name: string): void;
