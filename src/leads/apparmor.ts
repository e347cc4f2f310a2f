/**
 * The AppArmor profile that lets the native command make user namespaces where Ubuntu keeps them from
 * programs without one. Printed by `doctor`; the Debian package has the same (src/release/apparmor.mjs).
 */

/** A path as the profile's language takes it: apparmor.d(5), globbing and quoting. */
const quoted = (path: string): string =>
  /^[\w/.+,~@%=:-]*$/.test(path) ? path : `"${path.replaceAll(/[\\"*?[\]{}^]/g, '\\$&')}"`;

/**
 * Returns a profile under which all stays that the command starts, the engine and Node among it.
 * @param command absolute path of the native command, without links
 */
export const appArmorProfile = (command: string): readonly string[] => [
  'abi <abi/4.0>,',
  `profile wasbox ${quoted(command)} flags=(unconfined) {`,
  '  userns,',
  '}',
];

/**
 * Commands that let wasbox create user namespaces, to copy.
 * @param command the native command; undefined where the installation has none, and Node would need the profile
 */
export function appArmorHint(command: string | undefined): string {
  const why =
    'Ubuntu 23.10 and later block user namespaces for programs without an AppArmor profile.';
  const everywhere = [
    'allow them for every program, until the next boot:',
    '  sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  ];
  if (command === undefined)
    return [
      why,
      `A profile for Node would allow them to each of its programs. So ${everywhere[0]}`,
      everywhere[1],
    ].join('\n');
  return [
    why,
    'Allow them for the command wasbox, which makes the sandboxes:',
    "  sudo tee /etc/apparmor.d/wasbox <<'EOF'",
    ...appArmorProfile(command).map((line) => `  ${line}`),
    '  EOF',
    '  sudo apparmor_parser -r /etc/apparmor.d/wasbox',
    `Programs that import the library make sandboxes in Node. For them, ${everywhere[0]}`,
    everywhere[1],
  ].join('\n');
}
