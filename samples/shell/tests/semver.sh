#!/bin/sh
# Writes TAP to results/semver.tap and to the terminal.
cd "$(dirname "$0")/.." || exit 2
mkdir -p results
count=0
failed=0

# check LEFT RIGHT EXPECTED
check() {
    count=$((count + 1))
    actual=$(sh src/semver.sh "$1" "$2")
    if [ "$actual" = "$3" ]; then
        echo "ok $count - $1 $3 $2"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1 $3 $2"
        line=$(grep -nF "check $1 $2 " tests/semver.sh | cut -d: -f1)
        printf '  ---\n  message: semver says %s\n  file: tests/semver.sh\n  line: %s\n  ...\n' "'$actual'" "$line"
    fi
}

{
    echo 'TAP version 13'
    check 1.2.3 1.2.3 =
    check 1.2 1.2.0 =
    check 1.2.3 1.3.0 '<'
    check 2.0.0 1.9.9 '>'
    check 1.9.0 1.10.0 '<'
    check 10.0.0 9.9.9 '>'
    echo "1..$count"
} >results/semver.tap
cat results/semver.tap
[ "$failed" -eq 0 ]
