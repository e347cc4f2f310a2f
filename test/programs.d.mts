export function leftOutIn(file: string): { tests: RegExp; missing: string[] }[];
export function reasonsOf(file: string, name: string): string[];
