/** go: the module proxy that go is configured for, and caches of modules and of builds. */
export const go = String.raw`about = "Go modules, from the proxy that go is configured for"
commands = ["go"]
caches = ["~/go/pkg/mod", "~/.cache/go-build"]

# The first source of a name that finds something counts.
[[source]]
name = "proxy"
variable = "GOPROXY"

[[source]]
name = "proxy"
file = "~/.config/go/env"
pattern = '^GOPROXY=(\S+)'

# The defaults of the installation.
[[source]]
name = "proxy"
file = "{go}/../go.env"
pattern = '^GOPROXY=(\S+)'

[[source]]
name = "sums"
variable = "GOSUMDB"

[[source]]
name = "sums"
file = "~/.config/go/env"
pattern = '^GOSUMDB=(\S+)'

[[source]]
name = "sums"
file = "{go}/../go.env"
pattern = '^GOSUMDB=(\S+)'

[environment]
GOPROXY = "{proxy}"
GOTOOLCHAIN = "local"
`;
