export const hasSecondPass: boolean;
export function leftToSecondPass(what: string): boolean;
