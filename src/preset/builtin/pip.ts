/** pip: the index that pip is configured for, and a cache of downloads and wheels. */
export const pip = String.raw`about = "Python packages with pip, from the index that pip is configured for"
commands = ["pip", "pip3"]
caches = ["~/.cache/pip"]

# The first source of a name that finds something counts.
[[source]]
name = "index"
variable = "PIP_INDEX_URL"

[[source]]
name = "index"
file = "~/.config/pip/pip.conf"
pattern = '^\s*index[-_]url\s*[=:]\s*(\S+)'

[[source]]
name = "index"
file = "~/.pip/pip.conf"
pattern = '^\s*index[-_]url\s*[=:]\s*(\S+)'

[[source]]
name = "index"
file = "/etc/pip.conf"
pattern = '^\s*index[-_]url\s*[=:]\s*(\S+)'

[[source]]
name = "index"
file = "/etc/xdg/pip/pip.conf"
pattern = '^\s*index[-_]url\s*[=:]\s*(\S+)'

# pip's own default, as it is installed: the index, and where its files are.
[[source]]
name = "default"
unless = "index"
file = "{pip}/../lib/python3*/site-packages/pip/_internal/models/index.py"
pattern = 'PyPI = PackageIndex\("([^"]+)", file_storage_domain="([^"]+)"'

[[source]]
name = "default"
unless = "index"
file = "/usr/lib/python3/dist-packages/pip/_internal/models/index.py"
pattern = 'PyPI = PackageIndex\("([^"]+)", file_storage_domain="([^"]+)"'

[[source]]
name = "extra"
variable = "PIP_EXTRA_INDEX_URL"

[[source]]
name = "extra"
file = "~/.config/pip/pip.conf"
pattern = '^\s*extra[-_]index[-_]url\s*[=:]\s*(\S+)'

# Hosts without TLS that pip may use, and whose packages it may cache.
[[source]]
name = "trusted"
variable = "PIP_TRUSTED_HOST"
hosts = false

[[source]]
name = "trusted"
file = "~/.config/pip/pip.conf"
pattern = '^\s*trusted[-_]host\s*[=:]\s*(\S+)'
hosts = false

[[source]]
name = "trusted"
file = "~/.pip/pip.conf"
pattern = '^\s*trusted[-_]host\s*[=:]\s*(\S+)'
hosts = false

[[source]]
name = "trusted"
file = "/etc/pip.conf"
pattern = '^\s*trusted[-_]host\s*[=:]\s*(\S+)'
hosts = false

[environment]
PIP_INDEX_URL = "{index}"
PIP_EXTRA_INDEX_URL = "{extra}"
PIP_TRUSTED_HOST = "{trusted}"
PIP_DISABLE_PIP_VERSION_CHECK = "1"
# Debian's pip refuses to install beside apt's packages (PEP 668). Those are read-only here: what it installs is a change
# of the home, for review.
PIP_BREAK_SYSTEM_PACKAGES = "1"
`;
