/** The block between the README's markers. */
export function readmeBlock(results: unknown, chartPath: string): string;
