#!/bin/sh
# nexo @ID@. Unpacks once into $AGENT_CACHE (else $XDG_CACHE_HOME/nexo, else ~/.cache/nexo) and starts from there.
# Every later start holds size and time of change of each file against what was unpacked.
set -eu
fail() { echo "agent: $2" >&2; exit "$1"; }
base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${AGENT_CACHE:-${base:+$base/nexo}}
other='Name a folder of your own with AGENT_CACHE'
[ -n "$cache" ] || fail 2 "There is no HOME to unpack into. $other"
home=$cache/@ID@
me=$(id -u)
# True where nobody but this user and root can have put something.
trusted() { case $(stat -Lc %u:%A "$1") in "$me":?????-??-?|0:?????-??-?) ;; *) return 1 ;; esac; }
list() (cd "$1" && LC_ALL=C && stat -c '%s %Z %n' deno program/*)
whole() { [ -s "$home/files" ] && [ "$(list "$home" 2>/dev/null)" = "$(cat "$home/files")" ]; }
payload() { tail -n +@PAYLOAD_LINE@ "$0"; }
# Beside the final folder, then one rename: several first starts at once, or one that is killed, leave nothing half-done.
unpack() (
  umask 077
  mkdir -p "$cache" || fail 6 "Cannot make $cache. $other"
  trusted "$cache" || fail 3 "Others may write in $cache: nothing is started from there. $other"
  part=$(mktemp -d "$cache/.unpacking.XXXXXX") || fail 6 "Cannot write in $cache. $other"
  trap 'rm -rf "$part"' EXIT
  trap 'exit 130' INT TERM
  # What is damaged leaves first, while nobody who starts now can have finished another.
  [ ! -e "$home" ] || mv -T "$home" "$part/damaged" 2>/dev/null || true
  payload | { gzip -dc || mkdir "$part/failed"; } | tar -xf - -C "$part" || mkdir -p "$part/failed"
  if [ ! -d "$part/failed" ]; then
    [ -x "$part/deno" ] || fail 6 "No program may run in $cache (is it mounted noexec?). $other"
    "$part/deno" run --quiet --no-config --no-lock --no-prompt --allow-all "$part/unpack.js" "$part" "$home" &&
      list "$part" > "$part/files" || mkdir -p "$part/failed"
  fi
  if [ -d "$part/failed" ]; then
    payload | gzip -t 2>/dev/null || fail 6 "$0 is damaged. Fetch it again"
    fail 6 "Cannot unpack into $cache: it takes 120 MB. Make space there. $other"
  fi
  rm -rf "$part/damaged"
  mv -T "$part" "$home" 2>/dev/null || whole || fail 6 "Cannot put the program into $home. $other"
)
[ ! -e "$home" ] || { trusted "$cache" && trusted "$home"; } 2>/dev/null || [ ! -e "$home" ] ||
  fail 3 "Others may write in $home: nothing is started from there. Remove it. $other"
whole || unpack
{ true > "$home/used"; } 2>/dev/null || true
AGENT_EXECUTABLE=$0 DENO_DIR=$home/cache DENO_NO_UPDATE_CHECK=1 exec "$home/deno" run @FLAGS@ "$home/program/main.js" "$@"
