/** A sandbox as manifests for Kubernetes: what `wasbox policy export --to k8s` writes. */
export { kubernetesManifest } from './manifest.js';
