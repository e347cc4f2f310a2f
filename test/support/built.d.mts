import type { Plugin } from 'vitest/config';

export const isInstalled: boolean;
export const builtPackage: string;
export const builtDist: string;
export const installedFiles: RegExp[];
export function useBuilt(): void;
export const installedLibrary: Plugin;
