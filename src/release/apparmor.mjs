// The AppArmor profile of a standalone installation: as src/leads/apparmor.ts prints it, to which a test compares it.

/** @param command path of the native command there */
export const appArmorProfile = (
  command,
) => `# Ubuntu 23.10 and later forbid user namespaces to programs without a profile. This one lets wasbox make them; what it
# starts, Node among it, stays under it. Needs AppArmor 4. Load it: apparmor_parser -r FILE
abi <abi/4.0>,
profile wasbox ${command} flags=(unconfined) {
  userns,
}
`;
