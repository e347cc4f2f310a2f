/** make and what compiles: a cache of compiled files. */
export const make = `about = "Builds in C and C++, with a cache of compiled files (ccache)"
commands = ["make", "cmake", "ninja", "meson", "ccache"]
caches = ["~/.cache/ccache"]

[environment]
CCACHE_DIR = "{home}/.cache/ccache"
`;
