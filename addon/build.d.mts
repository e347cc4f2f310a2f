export function addonFolder(arch: string): string;
export function buildNative(arch: string): void;
