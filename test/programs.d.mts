export function isLeftOut(path: string): boolean;
export function patternsOf(file: string): RegExp[];
export function reasonsOf(file: string, name: string): string[];
export function lackedBy(path: string): { reasons: string[]; count: number };
