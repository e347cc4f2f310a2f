/**
 * The supervisor's questions, decoded, and which calls it may ask about at all.
 */
import type { Question } from '../../ask/index.js';
import type { ListedCall } from '../../policy/index.js';
import { syscall } from '../../syscalls/index.js';
import { displayPath } from '../../text/index.js';
import { readAddress } from './address.js';
import {
  questionLayout,
  questionSize,
  WB_QUESTION_CALL,
  WB_QUESTION_DIRECTORY,
  WB_QUESTION_EMPTY,
  WB_QUESTION_FILE,
  WB_QUESTION_NAME,
  WB_QUESTION_NETWORK,
  WB_QUESTION_READ,
  WB_QUESTION_UDP,
  WB_QUESTION_WRITE,
} from './records.generated.js';
import { namedArguments } from './refusals.js';
import { part, readStruct } from './struct.js';
import type { Tables } from './tables.js';

/** Numbers of the calls that can be allowed by an answer: all that they mean is in registers. */
export function allowableCalls({ calls }: Tables): Uint32Array {
  const found = [...calls.values()].filter(
    ({ name, arguments: args }) =>
      syscall(name).ask !== 'never' && args.every(({ type }) => type !== 'pointer'),
  );
  return Uint32Array.from(found, ({ number }) => number);
}

const decoder = new TextDecoder();
const AF_INET6 = 10;

/**
 * The question in the supervisor's bytes (records.h); undefined where it is not to be asked: of a kind
 * that is not known here, or about a file below one of the `hidden` directories.
 */
export function readQuestion(
  bytes: Uint8Array,
  tables: Tables,
  hidden: readonly string[],
): Question | undefined {
  const fields = readStruct(bytes, questionLayout);
  let at = questionSize;
  const next = (size: number): Buffer => {
    const text = Buffer.from(part(bytes, at, size));
    at += size;
    return text;
  };
  const target = next(fields.targetSize);
  const requested = next(fields.askedSize);
  const [name, executable] = [next(fields.nameSize), next(fields.exeSize)];
  const argv = decoder.decode(next(fields.argvSize)).split('\0');
  const asked = {
    id: Number(fields.id),
    process: {
      pid: Number(fields.pid),
      name: decoder.decode(name),
      executable: decoder.decode(executable),
      argv: argv.at(-1) === '' ? argv.slice(0, -1) : argv,
      truncated: fields.argvCut === 1,
    },
  };
  switch (fields.kind) {
    case WB_QUESTION_NETWORK:
    case WB_QUESTION_UDP: {
      const protocol = fields.kind === WB_QUESTION_UDP ? 'udp' : 'tcp';
      const destination = destinationQuestion(protocol, target, displayPath(requested));
      return destination && { ...asked, ...destination };
    }
    case WB_QUESTION_NAME: {
      const known = requested.length === 0 ? '.' : displayPath(requested);
      const text = `look up the name ${known}`;
      return { ...asked, kind: 'network', protocol: 'lookup', name: known, text };
    }
    case WB_QUESTION_FILE:
      if (hidden.some((directory) => isBelow(target, directory))) return undefined;
      // A directory includes everything in it.
      if (hidden.some((directory) => isBelow(Buffer.from(directory), target.toString())))
        return undefined;
      return { ...asked, ...fileQuestion(fields.access, target, requested) };
    case WB_QUESTION_CALL: {
      const call = tables.calls.get(fields.nr);
      if (call === undefined) return undefined;
      return { ...asked, ...callQuestion(namedArguments(fields, call, tables, ~0n), call) };
    }
    default:
      return undefined;
  }
}

function destinationQuestion(protocol: 'tcp' | 'udp', target: Uint8Array, name: string) {
  const { text, host: plain, port } = readAddress(target);
  if (plain === undefined || port === undefined) return undefined;
  const host = `${plain}${zoneOf(target)}`;
  const place = host === plain ? text : `[${host}]:${port}`;
  const to = name === '' ? place : `${name}:${port}`;
  const wanted = protocol === 'tcp' ? `connect to ${to}` : `send UDP to ${to}`;
  const known = name === '' ? {} : { name };
  return { kind: 'network', protocol, address: host, port, ...known, text: wanted } as const;
}

/** The zone of a link-local address, which is the interface of this host that it is dialled on. */
function zoneOf(sockaddr: Uint8Array): string {
  const view = new DataView(sockaddr.buffer, sockaddr.byteOffset, sockaddr.byteLength);
  if (view.byteLength < 28 || view.getUint16(0, true) !== AF_INET6) return '';
  const zone = view.getUint32(24, true);
  return (view.getUint16(8) & 0xffc0) === 0xfe80 && zone !== 0 ? `%${zone}` : '';
}

function isBelow(path: Uint8Array, directory: string): boolean {
  return Buffer.concat([path, Buffer.from('/')]).indexOf(`${directory}/`) === 0;
}

function fileQuestion(access: number, target: Uint8Array, requested: Uint8Array) {
  const has = (bit: number) => (access & bit) !== 0;
  const path = displayPath(target);
  const directory = has(WB_QUESTION_DIRECTORY);
  const how = !has(WB_QUESTION_WRITE) ? 'read' : has(WB_QUESTION_READ) ? 'read-write' : 'write';
  const verb = {
    read: 'read',
    write: 'write to',
    'read-write': 'read and write',
  }[how];
  const truncate = has(WB_QUESTION_EMPTY);
  return {
    kind: 'file',
    path,
    requested: displayPath(requested),
    access: how,
    truncate,
    directory,
    text: `${truncate ? 'truncate and ' : ''}${verb} ${path}${directory ? ' and everything in it' : ''}`,
  } as const;
}

function callQuestion(args: Readonly<Record<string, string>>, { name }: ListedCall) {
  const list = Object.entries(args).map(([key, value]) => `${key}=${value}`);
  const text = `make the system call ${[name, ...list].join(' ')}`;
  return { kind: 'call', call: name, arguments: args, text } as const;
}
