export function missingParts(root: string): string[];
