/** Playground. Policies to start from, each with a call that shows what it is about. */
import defaultPolicy from '../../wasm-core/policies/default.policy';
import actions from './examples/actions.policy';
import docker from './examples/docker.policy';
import errors from './examples/errors.policy';
import sockets from './examples/sockets.policy';
import threads from './examples/threads.policy';

export { default as sampleLog } from './examples/sample.strace';

export interface Example {
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly call: string;
  readonly args: readonly string[];
}

/** The first is what a reader without a link sees. */
export const examples: readonly [Example, ...Example[]] = [
  {
    name: 'sockets',
    title: 'Internet sockets only',
    text: sockets,
    call: 'socket',
    args: ['AF_PACKET', 'SOCK_RAW', '0'],
  },
  {
    name: 'threads',
    title: 'Threads without namespaces',
    text: threads,
    call: 'clone',
    args: ['CLONE_NEWUSER', '0', '0', '0', '0'],
  },
  { name: 'actions', title: 'Every action', text: actions, call: 'getcwd', args: ['0', '0'] },
  {
    name: 'errors',
    title: 'Three mistakes',
    text: errors,
    call: 'read',
    args: [],
  },
  {
    name: 'default',
    title: 'wasbox’s default policy',
    text: defaultPolicy,
    call: 'unshare',
    args: ['CLONE_NEWUSER'],
  },
  {
    name: 'docker',
    title: 'Docker’s default profile',
    text: docker,
    call: 'personality',
    args: ['0x20008'],
  },
];
