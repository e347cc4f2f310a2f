interface Part {
  readonly component: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
  readonly note?: string;
}
export function thirdPartyNotices(parties: readonly Part[]): string;
