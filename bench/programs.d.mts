/** Times programs as users run them. Throws where one does not end as it must. */
export function measurePrograms(context: {
  readonly work: string;
  readonly dist: string;
  readonly noop: string;
  readonly rounds: number;
  readonly warmUps: number;
  readonly bytes: number;
  readonly counts: readonly number[];
}): readonly { readonly name: string; readonly medianUs: number; readonly aloneUs?: number }[];
