export const pass: string | undefined;
export function missing(names: readonly string[]): string[];
export function hintOf(name: string): string;
export function isLeftToOtherPass(name: string): boolean;
