interface Source {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

export const sources: Readonly<Record<'quickjs' | 'musl' | 'zlib', Source>>;
