/** Packages and commands of the workflow's job that makes a release. */
export function releaseSteps(): { packages: string[]; commands: string[] };
