/** uv: the index that uv is configured for, and a cache of its own. */
export const uv = String.raw`about = "Python packages with uv, from the index that uv is configured for"
commands = ["uv", "uvx"]
caches = ["~/.cache/uv"]

# The first source of a name that finds something counts. uv's own default is in its program, where
# nothing can be read: without one of these, name the hosts with --net.
[[source]]
name = "index"
variable = "UV_DEFAULT_INDEX"

[[source]]
name = "index"
variable = "UV_INDEX_URL"

[[source]]
name = "index"
file = "~/.config/uv/uv.toml"
pattern = '^\s*(?:index-url|url)\s*=\s*"([^"]+)"'

[[source]]
name = "index"
file = "/etc/uv/uv.toml"
pattern = '^\s*(?:index-url|url)\s*=\s*"([^"]+)"'

[environment]
UV_DEFAULT_INDEX = "{index}"
`;
