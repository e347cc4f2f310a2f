/** apt-get source: the mirrors of sources.list. */
export const aptSrc = String.raw`about = "Debian source packages, from the mirrors of sources.list"
commands = ["apt-get", "apt"]
read-only = ["/var/lib/apt/lists"]

[[source]]
name = "mirrors"
file = "/etc/apt/sources.list"
pattern = '^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)'

[[source]]
name = "lists"
file = "/etc/apt/sources.list.d/*.list"
pattern = '^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)'

[[source]]
name = "sources"
file = "/etc/apt/sources.list.d/*.sources"
pattern = '^URIs:\s*(.+)$'

# As root, apt would download as another user, whom the sandbox does not have.
[environment]
APT_CONFIG = "/run/apt.conf"

[files]
"/run/apt.conf" = 'APT::Sandbox::User "root";'
`;
