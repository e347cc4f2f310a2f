/** The pod: as the restricted profile of the Pod Security Standards wants it, with the limits that Kubernetes has. */
import { UsageError } from '../errors/index.js';
import { durationText } from '../options/index.js';

export interface PodLimits {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly timeoutMs: number | undefined;
  readonly graceMs: number;
}

export interface PodSettings {
  readonly name: string;
  readonly labels: object;
  /** The container's image; undefined leaves it to what fills the pod in. */
  readonly image: string | undefined;
  /** Relative to the directory of profiles of the kubelet. */
  readonly localhostProfile: string;
  readonly limits: PodLimits;
}

/** An id without an account, as images without root have it. */
const nobody = 65532;

/** A number of bytes as Kubernetes writes it. */
function quantity(bytes: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit]}`;
}

/** Whole seconds, which are all that Kubernetes has. @throws UsageError where there are none */
function seconds(option: string, ms: number): number {
  if (ms >= 1000) return Math.floor(ms / 1000);
  throw new UsageError('ERR_OPTION_VALUE', `${option}: Kubernetes cannot set ${durationText(ms)}`, {
    hint: `The shortest time is one second: ${option} 1s`,
  });
}

function finite(option: string, limit: number): number {
  if (Number.isFinite(limit)) return limit;
  throw new UsageError('ERR_OPTION_VALUE', `${option}: a pod for Kubernetes needs a limit`, {
    hint: `Without one it could use up its whole node. Example: ${option} 512M`,
  });
}

/** @throws UsageError (`ERR_OPTION_VALUE`) for a limit that Kubernetes cannot say */
export function podManifest({
  name,
  labels,
  image,
  localhostProfile,
  limits,
}: PodSettings): object {
  const memory = quantity(finite('--memory', limits.memoryBytes));
  const disk = quantity(finite('--disk', limits.diskBytes));
  const { timeoutMs, graceMs } = limits;
  const bounds = { memory, 'ephemeral-storage': disk };
  const timed = timeoutMs !== undefined && Number.isFinite(timeoutMs);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      restartPolicy: 'Never',
      ...(timed && { activeDeadlineSeconds: seconds('--timeout', timeoutMs) }),
      terminationGracePeriodSeconds: seconds('--grace', graceMs),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: nobody,
        runAsGroup: nobody,
        fsGroup: nobody,
        seccompProfile: { type: 'Localhost', localhostProfile },
      },
      containers: [
        {
          name: 'main',
          ...(image !== undefined && { image }),
          env: [{ name: 'HOME', value: '/tmp' }],
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            privileged: false,
            readOnlyRootFilesystem: true,
          },
          resources: { limits: bounds, requests: bounds },
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: { sizeLimit: disk } }],
    },
  };
}
