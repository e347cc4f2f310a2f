/**
 * A container of a pod's manifest as an OCI bundle, with what a kubelet gives it by its securityContext: user, capabilities,
 * no_new_privs, profile of system calls, user namespace, /proc, volumes. The network is the machine's.
 */
import { bundleConfig } from '../containers/bundle.mjs';

const mount = (destination, type, source, ...options) => ({ destination, type, source, options });

/** Ids of the host for a pod with `hostUsers: false`. */
const idRange = { containerID: 0, hostID: 100_000, size: 65_536 };

/** An emptyDir belongs to the pod's fsGroup. */
const emptyDir = (path, group) =>
  mount(path, 'tmpfs', 'tmpfs', 'nosuid', 'nodev', 'mode=2777', `gid=${group}`);

function volumeMounts(pod, container, configMaps) {
  return container.volumeMounts.map(({ name, mountPath }) => {
    const volume = pod.volumes.find((one) => one.name === name);
    if (volume.emptyDir !== undefined) return emptyDir(mountPath, pod.securityContext.fsGroup);
    return mount(mountPath, 'bind', configMaps(volume.configMap.name), 'bind', 'ro');
  });
}

/**
 * config.json of the first container.
 * @param {object} pod its `spec`
 * @param {object} given
 * @param {string} given.root directory of the image
 * @param {(name: string) => object} given.localProfile a profile of the node
 * @param {(name: string, key: string) => string} given.secret
 * @param {(name: string) => string} [given.configMaps] directory with a ConfigMap
 * @param {Record<string, string>} [given.env] what the cluster adds
 * @param {string[]} [given.argv] in place of what the image and the manifest start
 */
export function podBundle(pod, { root, localProfile, secret, configMaps, env = {}, argv }) {
  const [container] = pod.containers;
  const context = { ...pod.securityContext, ...container.securityContext };
  const own = (container.env ?? []).map(({ name, value, valueFrom }) => {
    const { name: from, key } = valueFrom?.secretKeyRef ?? {};
    return `${name}=${value ?? secret(from, key)}`;
  });
  const others = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (!context.capabilities.drop.includes('ALL')) throw new Error('drops not all capabilities');
  const config = bundleConfig({
    root,
    uid: context.runAsUser,
    capabilities: false,
    noNewPrivileges: !context.allowPrivilegeEscalation,
    argv: argv ?? ['wasbox', ...container.args],
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8', ...own, ...others],
    cwd: '/',
  });
  config.process.user.additionalGids = [context.fsGroup];
  config.root.readonly = context.readOnlyRootFilesystem;
  config.mounts.push(...volumeMounts(pod, container, configMaps));
  const { type, localhostProfile } = context.seccompProfile;
  if (type === 'Localhost') config.linux.seccomp = localProfile(localhostProfile);
  if (context.procMount === 'Unmasked') {
    delete config.linux.maskedPaths;
    delete config.linux.readonlyPaths;
  }
  if (pod.hostUsers === false) {
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [idRange];
    config.linux.gidMappings = [idRange];
  }
  return config;
}
