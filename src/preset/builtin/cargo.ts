/** cargo: the registries that cargo is configured for, and a cache of crates. */
export const cargo = String.raw`about = "Crates, from the registries that cargo is configured for"
commands = ["cargo"]
caches = ["~/.cargo/registry", "~/.cargo/git"]
# What replaces the default registry is in it; tokens are not, they are in credentials.toml.
read-only = ["~/.cargo/config.toml"]

# cargo's own default is in its program, where nothing can be read: without a registry in its
# configuration, name the hosts with --net.
[[source]]
name = "registry"
file = "~/.cargo/config.toml"
pattern = '^\s*(?:registry|index)\s*=\s*"(?:sparse\+|registry\+)?([a-z]+://[^"]+)"'
`;
