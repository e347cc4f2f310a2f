/** A sandbox as manifests for Kubernetes: what `wasbox policy export --to k8s` writes. */
export { type KubernetesOptions, kubernetesManifest } from './manifest.js';
