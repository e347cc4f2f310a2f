export function installTools(): string;
