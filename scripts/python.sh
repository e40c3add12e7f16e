#!/bin/sh
# Print the Python that `make` should use: $PYTHON if set, else the first of the usual names that runs
# and is new enough, else the first that runs at all (setup.py then says what is wrong with it).
fallback=
for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3 python; do
    "$name" -c '' >/dev/null 2>&1 || continue
    if "$name" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' >/dev/null 2>&1; then
        echo "$name"
        exit 0
    fi
    [ -n "$PYTHON" ] && { echo "$name"; exit 0; }
    fallback=${fallback:-$name}
done
[ -n "$fallback" ] && { echo "$fallback"; exit 0; }
echo "setup: no Python found: install Python 3.11 or newer." >&2
exit 1
