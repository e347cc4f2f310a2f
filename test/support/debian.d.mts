/** Where Debian is, and the file with its keys; without it, apt's own keys count. */
export interface DebianSource {
  readonly uri: string;
  readonly key: string | undefined;
}
export function debianAmong(targets: string): DebianSource;
export function debianSource(): DebianSource;
