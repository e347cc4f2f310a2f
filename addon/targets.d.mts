export function addonObjects(directory: string, without: readonly string[]): string[];
