/** Maps the kernel's C types to the classes of tables.h, and its names to the ones shown. */
import { ARGUMENT_NAMES, UNLISTED_PROTOTYPES } from './corrections.mjs';
import { parametersOf } from './prototypes.mjs';

/** The classes are in the order of `enum wb_arg_class`. */
export const CLASSES = ['INT', 'UINT', 'LONG', 'ULONG', 'S64', 'U64', 'POINTER'];

const CLASS_OF_TYPE = {
  INT:
    'int,pid_t,key_t,clockid_t,timer_t,mqd_t,rwf_t,key_serial_t,__s32,s32,compat_long_t,' +
    'compat_int_t,compat_ssize_t,compat_pid_t,compat_off_t,compat_key_t,compat_timer_t',
  UINT:
    'unsigned int,unsigned,uint,u32,__u32,uid_t,gid_t,qid_t,umode_t,old_uid_t,old_gid_t,' +
    'compat_size_t,compat_ulong_t,compat_uint_t,compat_aio_context_t,compat_mode_t,' +
    'enum landlock_rule_type',
  LONG: 'long,off_t,ssize_t',
  ULONG: 'unsigned long,size_t,aio_context_t,old_sigset_t,uintptr_t',
  S64: 'loff_t',
  U64: 'u64,__u64',
  POINTER: 'cap_user_header_t,cap_user_data_t,__sighandler_t,compat_uptr_t',
};
const CLASS_BY_TYPE = new Map(
  Object.entries(CLASS_OF_TYPE).flatMap(([name, types]) => types.split(',').map((t) => [t, name])),
);

/** Types of which the kernel reads the low 16 bits only. */
const SHORT_TYPES = new Set(['umode_t', 'old_uid_t', 'old_gid_t', 'compat_mode_t']);

function classify({ type }) {
  const plain = type
    .replace(/\b(const|__user|__force)\b/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (plain.includes('*')) return { class: 'POINTER', short: false };
  const found = CLASS_BY_TYPE.get(plain);
  if (found === undefined) throw new Error(`no class for the C type "${type}"`);
  return { class: found, short: SHORT_TYPES.has(plain) };
}

const isWide = (parameters) => parameters.some((p) => /^(S|U)64$/.test(classify(p).class));

/** Chooses which of a table's two entry points describes the call as a filter sees it. */
function chooseParameters(definitions, entry, architecture) {
  const native = parametersOf(definitions, entry.native ?? '', architecture, architecture.bits);
  if (!architecture.compat || entry.compat === undefined) {
    if (native !== undefined || entry.native === undefined || !architecture.compat) return native;
    return parametersOf(definitions, `compat_${entry.native}`, architecture, 64);
  }
  const compat = parametersOf(definitions, entry.compat, architecture, 64);
  if (native === undefined || compat === undefined) return native ?? compat;
  return compat.length !== native.length || isWide(native) ? compat : native;
}

function displayName(call, name) {
  return ARGUMENT_NAMES[call]?.[name] ?? ARGUMENT_NAMES['*'][name] ?? name;
}

const shownArguments = (call, parameters) => {
  const taken = new Set(parameters.map((p) => p.name));
  return parameters.map((parameter) => {
    const own = parameter.name.replace(/^__/, '');
    const shown = displayName(call, own);
    const name = taken.has(shown) && shown !== parameter.name ? own : shown;
    return { name, alias: name === own ? undefined : own, ...classify(parameter) };
  });
};

/** The arguments of a row of NEWER_CALLS, in the form of `argumentsOf`. */
export function newerArguments(call, list) {
  const parameters = list.map((text) => {
    const [, type, name] = /^(.*) (\w+)$/.exec(text);
    return { type, name };
  });
  return shownArguments(call, parameters);
}

/**
 * The arguments of a call: `[{ name, alias, class, short }]`, empty where there is no such call
 * in the kernel any more.
 */
export function argumentsOf(definitions, architecture, call, entry) {
  const parameters =
    UNLISTED_PROTOTYPES[architecture.name]?.[call] ??
    (entry === undefined ? undefined : chooseParameters(definitions, entry, architecture));
  if (parameters === undefined) {
    const gone = [undefined, '-', 'sys_ni_syscall'].includes(entry?.native);
    if (!gone && !/sigreturn/.test(call)) return undefined;
    return [];
  }
  if (architecture.bits === 32 && isWide(parameters))
    throw new Error(`${architecture.name}: ${call} has an argument wider than a register`);
  return shownArguments(call, parameters);
}
