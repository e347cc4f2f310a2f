// An OCI profile as plain rules for libseccomp (see libseccomp.c), the way a container runtime reads
// it for x86_64, a new kernel and no capabilities. Shares nothing with the importer of the core.
const errnoOf = { EPERM: 1 };

const actions = {
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x30000,
};
const operators = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

function actionOf(name, errno) {
  if (name === 'SCMP_ACT_ERRNO') return 0x50000 | (errno ?? errnoOf.EPERM);
  const action = actions[name];
  if (action === undefined) throw new Error(`the benchmark does not know ${name}`);
  return action;
}

const applies = ({ includes = {}, excludes = {} }) =>
  (includes.caps ?? []).length === 0 &&
  (includes.arches === undefined || includes.arches.includes('amd64')) &&
  !(excludes.arches ?? []).includes('amd64') &&
  excludes.minKernel === undefined;

/** Text of the rules of a profile. */
export function rulesOf(profile) {
  const otherwise = actionOf(profile.defaultAction, profile.defaultErrnoRet);
  const lines = [`default ${otherwise}`];
  for (const entry of profile.syscalls.filter(applies)) {
    const action = actionOf(entry.action, entry.errnoRet);
    if (action === otherwise) continue; // libseccomp takes no rule that equals the default
    const args = (entry.args ?? []).map(
      ({ index, op, value, valueTwo = 0 }) => `${index} ${operators[op]} ${value} ${valueTwo}`,
    );
    const indices = new Set((entry.args ?? []).map(({ index }) => index));
    // libseccomp takes an argument once in a rule; runtimes then make a rule of each condition.
    const variants = indices.size < args.length ? args : [args.join(' ')];
    for (const name of entry.names ?? [entry.name])
      for (const conditions of variants)
        lines.push(`rule ${action} ${name} ${conditions}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}
