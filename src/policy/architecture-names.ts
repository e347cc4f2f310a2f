/** Other names of architectures: Debian's, Go's, LLVM's, uname's. */
const others: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['amd64', 'x64', 'x86-64', 'x8664', 'intel64'],
  i386: ['x86', 'i486', 'i586', 'i686', 'ia32', '386'],
  aarch64: ['arm64', 'armv8', 'armv9'],
  arm: ['armhf', 'armel', 'armv6', 'armv7', 'armv7l'],
  riscv64: ['riscv', 'rv64'],
  ppc64le: ['ppc64el', 'powerpc64le'],
  mips64el: ['mips64', 'mips64le'],
  loongarch64: ['loong64', 'loongarch'],
};

/** The name that policies use for an architecture known by another one. */
export function usualArchitecture(name: string): string | undefined {
  const lower = name.toLowerCase();
  return Object.keys(others).find((usual) => others[usual]?.includes(lower));
}
