export function compileAddonObjects(how: {
  without: readonly string[];
  arch: string;
  file: string;
}): string[] | undefined;
