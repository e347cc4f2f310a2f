export function placeFaults(out: string): string[];
export function makeInPlace(out: string, make: (directory: string) => void): void;
