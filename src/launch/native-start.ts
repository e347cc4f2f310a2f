/** Starts a sandbox from its plan, on another thread. */
import { callersUmask } from '../host/index.js';
import {
  decodeOutcome,
  type Native,
  type NativeAsk,
  type NativeNewRun,
  type NativeOutcome,
  type NativeRunEnd,
  type NativeSandbox,
  Sandbox,
} from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { LaunchOptions } from './types.js';

/** How the payload ended, and whether the supervising thread has ended its run. */
export interface EndSeen {
  readonly seen: NativeOutcome;
  readonly layerEnded: boolean;
}

interface StartRequest extends Pick<LaunchOptions, 'attended' | 'session' | 'stdio'> {
  readonly ports: number | undefined;
  readonly init: string;
  readonly plan: Uint8Array;
  readonly spec: SandboxSpec;
  readonly ask: NativeAsk | undefined;
  readonly directory: string | undefined;
  readonly lock: number | undefined;
  readonly layer: NativeRunEnd | undefined;
  readonly create: NativeNewRun | undefined;
}

export function startNative(
  native: Native,
  request: StartRequest,
): { sandbox: NativeSandbox; ended: Promise<EndSeen> } {
  let end: (ended: { record: ArrayBuffer; layerEnded: boolean }) => void = () => {};
  const ended = new Promise<{ record: ArrayBuffer; layerEnded: boolean }>((resolve) => {
    end = resolve;
  });
  const { spec, attended = false, ...rest } = request;
  const { timeoutMs = 0, graceMs } = spec.limits;
  const { audit } = spec;
  const launched = { ...rest, timeoutMs, graceMs, attended, audit, umask: callersUmask() };
  const started = native.launch(launched, (record, layerEnded) => end({ record, layerEnded }));
  const sandbox = new Sandbox(native, started);
  const decoded = ended.then(({ record, layerEnded }) => ({
    seen: decodeOutcome(new Uint8Array(record)),
    layerEnded,
  }));
  return { sandbox, ended: decoded };
}
