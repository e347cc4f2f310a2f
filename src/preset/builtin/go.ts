/** go: the module proxy that go is configured for, and caches of modules and of builds. */
export const go = String.raw`about = "Go modules, from the proxy that go is configured for"
commands = ["go"]
# go's counters are there too, so that not every run changes the home.
caches = ["~/go/pkg/mod", "~/.cache/go-build", "~/.config/go/telemetry"]

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

# Which modules are private, or not checked: paths of modules, not hosts.
[[source]]
name = "private"
variable = "GOPRIVATE"
hosts = false

[[source]]
name = "private"
file = "~/.config/go/env"
pattern = '^GOPRIVATE=(\S+)'
hosts = false

[[source]]
name = "unchecked"
variable = "GONOSUMDB"
hosts = false

[[source]]
name = "unchecked"
file = "~/.config/go/env"
pattern = '^GONOSUMDB=(\S+)'
hosts = false

[environment]
GOPROXY = "{proxy}"
GOSUMDB = "{sums}"
GOPRIVATE = "{private}"
GONOSUMDB = "{unchecked}"
GOTOOLCHAIN = "local"
`;
