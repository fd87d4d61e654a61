#!/bin/sh
# What `docker compose up` needs on this machine and in this folder, each thing that is missing as a sentence.
# Exit code: 0 when it can go on, 2 when the machine lacks something, 3 when a setting or a secret does.
set -u
cd "$(dirname "$0")" || exit 2
code=0
machine() { echo "check: $1" >&2; [ "$code" -eq 3 ] || code=2; }
setting() { echo "check: $1" >&2; code=3; }

# older A B: whether version A is below B; only their first two numbers count.
older() {
  a=${1%%.*} b=${1#*.} c=${2%%.*} d=${2#*.}
  b=${b%%[!0-9]*} d=${d%%[!0-9]*}
  [ "$a" -lt "$c" ] || { [ "$a" -eq "$c" ] && [ "${b:-0}" -lt "${d:-0}" ]; }
}

engine=
if ! command -v docker >/dev/null 2>&1; then
  machine "docker is not installed: install Docker 20.10 or later."
elif ! engine=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || [ -z "$engine" ]; then
  engine=
  machine "The Docker engine does not answer: start it, and see that this user may use it (\`docker version\` says why)."
elif older "$engine" 20.10; then
  machine "The Docker engine is $engine: install 20.10 or later."
fi

if [ -n "$engine" ]; then
  if compose=$(docker compose version --short 2>/dev/null) && [ -n "$compose" ]; then
    if older "${compose#v}" 2.0; then machine "docker compose is $compose: install 2.0 or later."; fi
  elif compose=$(docker-compose version --short 2>/dev/null) && [ -n "$compose" ]; then
    if older "${compose#v}" 1.29; then machine "docker-compose is $compose: install 1.29 or later."; fi
  else
    machine "Docker has no compose: install its compose plugin, 2.0 or later, or docker-compose 1.29 or later."
  fi
fi

# value NAME DEFAULT: as compose reads it, the environment before .env.
value() {
  eval "found=\${$1-}"
  if [ -z "$found" ] && [ -f .env ]; then found=$(sed -n "s/^$1=//p" .env | tail -n 1 | tr -d '\r'); fi
  echo "${found:-$2}"
}

[ -f .env ] || setting "There is no .env: copy .env.example to .env and set COGO_TAG in it."
[ -n "$(value COGO_TAG '')" ] || setting "COGO_TAG is not set: put the tag of the images, such as v0.1.0, into .env."

secrets=$(value SECRETS ./secrets)
for name in COGO_DATABASE_PASSWORD OPENAI_API_KEY FIGMA_API_TOKEN ARTIFACTS_S3_ACCESS_KEY_ID ARTIFACTS_S3_SECRET_ACCESS_KEY; do
  [ -f "$secrets/$name" ] || setting "The secret $secrets/$name is missing: make the file; it may be empty where nothing uses it."
done
if [ -f "$secrets/COGO_DATABASE_PASSWORD" ] && [ ! -s "$secrets/COGO_DATABASE_PASSWORD" ]; then
  setting "The secret $secrets/COGO_DATABASE_PASSWORD is empty: put the database's password into it."
fi

# Whoever listens may be this very stack, started before.
port=$(value API_PORT 3001)
case $port in
  '' | *[!0-9]*) setting "API_PORT is '$port': set it to a number." ;;
  *)
    hex=$(printf '%04X' "$port")
    if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$hex" '{ n = split($2, at, ":") } $4 == "0A" && at[n] == port { found = 1 } END { exit !found }'; then
      if [ -z "$engine" ] || [ -z "$(docker ps --quiet --filter "publish=$port" 2>/dev/null)" ]; then
        machine "Port $port is taken: end what listens there, or set API_PORT in .env."
      fi
    fi
    ;;
esac

[ "$code" -ne 0 ] || echo "check: ready for docker compose up."
exit "$code"
