#!/bin/sh
# Runs one test binary of cargo and keeps its harness's own JUnit XML. The harness writes it at the end in one line;
# whatever a test's children printed before it on the same stream stays out.
binary=$1
shift
report=$COGO_RESULTS/rust-$$
# Only the harness sees this variable: it was compiled without it, and it lets a stable harness write a report.
RUSTC_BOOTSTRAP=1 "$binary" "$@" -Z unstable-options --format junit >"$report.out"
status=$?
cat "$report.out"
sed -n 's/.*<testsuites>/<testsuites>/p' "$report.out" | tail -n 1 >"$report.xml"
rm -f "$report.out"
exit "$status"
