#!/bin/sh
# Compares two versions: prints <, = or >.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: semver VERSION VERSION" >&2
    exit 2
fi

# part NUMBER VERSION
part() {
    value=$(printf '%s' "$2" | cut -d. -f"$1")
    printf '%s' "${value:-0}"
}

for number in 1 2 3; do
    left=$(part "$number" "$1.0.0")
    right=$(part "$number" "$2.0.0")
    if [ "$left" != "$right" ]; then
        if printf '%s\n%s\n' "$left" "$right" | LC_ALL=C sort -c 2>/dev/null; then echo '<'; else echo '>'; fi
        exit
    fi
done
echo '='
