#!/bin/sh
set -e
mkdir -p "$HOME/.local/bin"
printf '#!/bin/sh\necho tool 1.0\n' > "$HOME/.local/bin/tool"
chmod +x "$HOME/.local/bin/tool"
"$HOME/.local/bin/tool"
