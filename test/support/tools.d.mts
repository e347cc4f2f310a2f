export function installTools(which?: 'tools' | 'tools/registry'): string;
