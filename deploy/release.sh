#!/usr/bin/env bash
# Releases side by side, and a link that says which one is on:
#
#   ROOT/.cogo-releases        says that the folder is ours
#   ROOT/releases/NAME/        one unpacked archive each, never changed afterwards
#   ROOT/current  -> releases/NAME
#   ROOT/previous -> releases/NAME
#   ROOT/shared/               what outlives a release: .env, secrets
#
#   release.sh init ROOT
#   release.sh install ROOT ARCHIVE [NAME]   unpacks a tar.gz (default name: the time, UTC); switches nothing
#   release.sh activate ROOT NAME            switches, runs COGO_ACTIVATE there, switches back when that fails
#   release.sh rollback ROOT                 activates what was on before
#   release.sh list ROOT
#   release.sh prune ROOT KEEP               removes the oldest, but never what is current or previous
#
# COGO_ACTIVATE: a command that is run in ROOT/current after a switch, such as "docker compose up -d --wait".
# Exit codes: 0 done, 2 it could not be done and nothing was switched, 3 bad arguments.
set -euo pipefail

fail() { local code=$1; shift; echo "release.sh: $*" >&2; exit "$code"; }
usage() { sed -n '3,20s/^# \{0,1\}//p' "$0" >&2; exit 3; }

[ $# -ge 2 ] || usage
verb=$1 root=$2
shift 2

case $root in
  /*) ;;
  *) root=$PWD/$root ;;
esac
while [ "$root" != / ] && [ "${root%/}" != "$root" ]; do root=${root%/}; done
[ "$root" != / ] && [ "$root" != "${HOME:-/nowhere}" ] || fail 3 "'$root' cannot hold releases: name a folder of its own, such as /srv/cogo."

checked_name() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] || fail 3 "'$1' is no name of a release: use up to 64 of A-Z a-z 0-9 . _ - that start with a letter or a digit."
  case $1 in *..*) fail 3 "'$1' is no name of a release: it holds two dots." ;; esac
}

if [ "$verb" = init ]; then
  if [ -e "$root" ] && [ ! -e "$root/.cogo-releases" ] && [ -n "$(ls -A -- "$root")" ]; then
    fail 2 "$root is not empty and not ours: name a new folder."
  fi
  mkdir -p -- "$root/releases" "$root/shared"
  chmod 700 -- "$root/shared"
  echo 'Folders below releases/ are removed by release.sh prune.' >"$root/.cogo-releases"
  echo "$root holds releases."
  exit 0
fi

[ -f "$root/.cogo-releases" ] && [ ! -L "$root/.cogo-releases" ] || fail 2 "$root holds no releases: run 'release.sh init $root' first."
[ -d "$root/releases" ] && [ ! -L "$root/releases" ] || fail 2 "$root/releases is no folder: it may be a link that leads elsewhere."

# One at a time; the lock goes with the process.
exec 9>"$root/.lock"
flock -w 60 9 || fail 2 "Another release.sh has been at work in $root for a minute."

linked() { local to; to=$(readlink -- "$root/$1" 2>/dev/null) || return 0; echo "${to#releases/}"; }

# A rename replaces a link in one step: there is no moment without one.
point() {
  ln -sfn -- "releases/$2" "$root/.$1.new"
  mv -fT -- "$root/.$1.new" "$root/$1"
}

switch_to() {
  local name=$1 before
  [ -d "$root/releases/$name" ] && [ ! -L "$root/releases/$name" ] || fail 2 "There is no release $name in $root. There are: $(ls -- "$root/releases" | tr '\n' ' ')"
  before=$(linked current)
  if [ "$before" = "$name" ]; then
    echo "$name is current already."
    return
  fi
  point current "$name"
  if [ -n "${COGO_ACTIVATE:-}" ] && ! (cd -- "$root/current/" && bash -c "$COGO_ACTIVATE" 9>&-); then
    if [ -n "$before" ]; then
      point current "$before"
      (cd -- "$root/current/" && bash -c "$COGO_ACTIVATE" 9>&-) || fail 2 "$name did not start, and neither did $before, which is current again: look at what COGO_ACTIVATE printed."
      fail 2 "$name did not start: $before is current again and runs."
    fi
    rm -f -- "$root/current"
    fail 2 "$name did not start, and there was none before it: none is current."
  fi
  [ -z "$before" ] || point previous "$before"
  echo "$name is current${before:+, $before was}."
}

case $verb in
  install)
    [ $# -ge 1 ] && [ $# -le 2 ] || usage
    archive=$1 name=${2:-$(date -u +%Y%m%d%H%M%S)}
    checked_name "$name"
    [ -f "$archive" ] || fail 2 "There is no archive $archive."
    [ ! -e "$root/releases/$name" ] || fail 2 "There is a release $name already: a release is never changed. Use another name."
    # -P is not given, so tar refuses what leaves its folder; links and devices are not wanted at all.
    listing=$(tar -tvzf "$archive") || fail 2 "$archive is no whole tar.gz."
    if grep -vqE '^[-d]' <<<"$listing"; then fail 2 "$archive holds links or devices: pack files and folders only."; fi
    if tar -tzf "$archive" | grep -qE '^/|(^|/)\.\.(/|$)'; then fail 2 "$archive holds paths that lead out of it."; fi
    new=$(mktemp -d -- "$root/releases/.new.XXXXXX")
    trap 'rm -rf -- "$new"' EXIT
    tar -xzf "$archive" -C "$new" --no-same-owner --no-same-permissions || fail 2 "$archive could not be unpacked: see above."
    chmod 755 -- "$new"
    mv -T -- "$new" "$root/releases/$name"
    trap - EXIT
    echo "$name is installed. 'release.sh activate $root $name' switches to it."
    ;;
  activate)
    [ $# -eq 1 ] || usage
    checked_name "$1"
    switch_to "$1"
    ;;
  rollback)
    [ $# -eq 0 ] || usage
    before=$(linked previous)
    [ -n "$before" ] || fail 2 "There is nothing to roll back to: no release was current before."
    switch_to "$before"
    ;;
  list)
    [ $# -eq 0 ] || usage
    current=$(linked current) previous=$(linked previous)
    for folder in "$root"/releases/*/; do
      [ -d "$folder" ] || continue
      name=$(basename -- "$folder")
      case $name in "$current") echo "$name current" ;; "$previous") echo "$name previous" ;; *) echo "$name" ;; esac
    done
    ;;
  prune)
    [ $# -eq 1 ] || usage
    [[ $1 =~ ^[1-9][0-9]{0,2}$ ]] || fail 3 "'$1' is no number of releases to keep: use 1 to 999."
    current=$(linked current) previous=$(linked previous)
    mapfile -t names < <(find "$root/releases" -mindepth 1 -maxdepth 1 -type d -not -name '.*' -printf '%T@ %f\n' | sort -rn | cut -d' ' -f2-)
    for name in "${names[@]:$1}"; do
      [ "$name" != "$current" ] && [ "$name" != "$previous" ] || continue
      rm -rf --one-file-system -- "$root/releases/$name"
      echo "$name is removed."
    done
    ;;
  *) usage ;;
esac
