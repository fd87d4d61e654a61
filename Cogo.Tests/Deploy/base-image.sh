#!/bin/sh
# Makes the root of a base image out of Debian's packages and the .NET runtime of this machine:
# git and the tools of the shell sample for the workers, Postgres for the database. No registry of images is asked.
# usage: base-image.sh ROOT DOTNET
set -eu
root=$1 dotnet=$2
. /etc/os-release
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' /etc/apt/sources.list)
debootstrap --variant=minbase --include=git,postgresql,procps "$VERSION_CODENAME" "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; exit 1; }
rm -rf "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale "$root"/var/cache/apt "$root"/var/lib/apt/lists "$root"/var/log/*
mkdir -p "$root/usr/share/dotnet"
cp -a "$dotnet/dotnet" "$dotnet/host" "$dotnet/shared" "$root/usr/share/dotnet/"
ln -sf ../share/dotnet/dotnet "$root/usr/bin/dotnet"
# What the entry point of the official image does with the same variables.
cat >"$root/usr/local/bin/postgres-entrypoint" <<'END'
#!/bin/sh
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin)
folder=/var/lib/postgresql/cogo
if [ "$(id -u)" = 0 ]; then
  chown postgres: /var/lib/postgresql
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0"
fi
if [ ! -s "$folder/PG_VERSION" ]; then
  "$bin/initdb" -D "$folder" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 -E UTF8 >/dev/null
  echo 'host all all all scram-sha-256' >>"$folder/pg_hba.conf"
  "$bin/pg_ctl" -D "$folder" -w -s -o '-c listen_addresses= -c unix_socket_directories=/tmp' start
  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") "$bin/createdb" -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB"
  "$bin/pg_ctl" -D "$folder" -w -s stop
fi
exec "$bin/postgres" -D "$folder" -c listen_addresses='*' -c unix_socket_directories=/tmp
END
chmod 755 "$root/usr/local/bin/postgres-entrypoint"
