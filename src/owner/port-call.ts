/** The questions of a client about the ports of a session: to publish one, to end that, or which there are. */
import { UsageError } from '../errors/index.js';
import { WB_PORTS_FIRST_OF_USERS, WB_PORTS_HIGHER } from '../plan/index.js';
import type { OwnSession } from '../session/index.js';

/** The ports of a session. */
export interface SessionPortsTold {
  /** The port that this call published or unpublished. */
  readonly done?: string | undefined;
  readonly published: readonly string[];
  /** Ports that nothing outside leads to. */
  readonly insidePorts: readonly number[];
}

/** Says to a user how to reach a port that is open inside only. Outside, low ports are root's. */
export const insidePortText = (name: string, port: number): string => {
  const isRoots = port < WB_PORTS_FIRST_OF_USERS && process.getuid?.() !== 0;
  const way = isRoots ? `${port + WB_PORTS_HIGHER}:${port}` : port;
  return `port ${port} is open inside only. To reach it: wasbox session publish ${name} ${way}`;
};

/** @throws UsageError */
export async function answerPorts(
  session: OwnSession,
  call: 'publish' | 'unpublish',
  port: string | undefined,
): Promise<SessionPortsTold> {
  const done =
    call === 'unpublish'
      ? await unpublish(session, port ?? '')
      : port === undefined
        ? undefined
        : (await session.publish(port)).text;
  return {
    done,
    published: session.published.map(({ text }) => text),
    insidePorts: session.insidePorts,
  };
}

/** @param port as it was published, or the number of this machine's port alone */
async function unpublish(session: OwnSession, port: string): Promise<string> {
  const [found, ...others] = session.published.filter(
    ({ text, hostPort, insidePort }) =>
      text === port || String(hostPort) === port || `${hostPort}:${insidePort}` === port,
  );
  if (found !== undefined && others.length === 0) {
    await found.close();
    return found.text;
  }
  const all = session.published.map(({ text }) => text).join(', ');
  const what = found === undefined ? 'does not publish' : 'publishes more than one port';
  throw new UsageError('ERR_OPTION_VALUE', `the session ${what} ${JSON.stringify(port)}`, {
    hint: all === '' ? 'It publishes no port.' : `It publishes: ${all}`,
  });
}
