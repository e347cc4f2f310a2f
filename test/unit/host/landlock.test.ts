import { describe, expect, it } from 'vitest';
import { landlockObstacle } from '../../../src/host/index.js';

describe('landlockObstacle', () => {
  it.each([
    // These kernels are too old for what a run needs.
    [0, 2, '5.12.19', 'Linux 5.12.19 has no Landlock', 'Linux 5.19'],
    [1, 2, '5.15.0-130-generic', 'Linux 5.15.0-130-generic has Landlock ABI 1', 'Linux 5.19'],
    // These are too old for what rules for the network need.
    [2, 4, '6.1.0-50-amd64', 'Linux 6.1.0-50-amd64 has Landlock ABI 2', 'Linux 6.7'],
    [0, 4, '5.10.0', 'Linux 5.10.0 has no Landlock', 'Linux 6.7'],
    // New enough, so a newer kernel would not help.
    [0, 2, '5.13.0', 'Landlock is off in this kernel', 'lsm='],
    [0, 4, '7.3.4+deb13-amd64', 'Landlock is off in this kernel', 'lsm='],
  ] as const)('ABI %i, needed %i, Linux %s', (abi, needed, kernel, why, fix) => {
    const obstacle = landlockObstacle(abi, needed, kernel);
    expect(obstacle.why).toBe(why);
    expect(obstacle.fix).toContain(fix);
  });
});
