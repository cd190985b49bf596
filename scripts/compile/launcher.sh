#!/bin/sh
# nexo @ID@. Unpacks once into $AGENT_CACHE (else $XDG_CACHE_HOME/nexo, else ~/.cache/nexo) and starts from there.
# Every later start holds size and time of change of each file against what was unpacked.
set -eu
# By these variables, which developers may have in their shells, Deno would run code of others in the program, write
# files wherever it stands, leave permissions to another program, and listen elsewhere than the config says.
unset NODE_OPTIONS DENO_COVERAGE_DIR DENO_PERMISSION_BROKER_PATH DENO_SERVE_ADDRESS
self=$0
fail() { echo "agent: $2" >&2; exit "$1"; }
for tool in cat gzip id mkdir mktemp mv rm stat tail tar uname; do
  command -v "$tool" > /dev/null || fail 6 "There is no program $tool on this machine, and it is needed. Install it"
done
base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${AGENT_CACHE:-${base:+$base/nexo}}
other='Name a folder of your own with AGENT_CACHE'
[ -n "$cache" ] || fail 2 "There is no HOME to unpack into. $other"
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
home=$cache/@ID@
me=$(id -u)
# True where nobody but this user and root can have put something.
trusted() { case $(stat -Lc %u:%A "$1") in "$me":?????-??-?|0:?????-??-?) ;; *) return 1 ;; esac; }
list() (cd "$1" && LC_ALL=C && stat -c '%s %Z %n' deno program/*)
whole() { [ -s "$home/files" ] && [ "$(list "$home" 2>/dev/null)" = "$(cat "$home/files")" ]; }
payload() { tail -n +@PAYLOAD_LINE@ "$self"; }
# Beside the final folder, then one rename: several first starts at once, or one that is killed, leave nothing half-done.
unpack() {
  mask=$(umask)
  umask 077
  [ "$(uname -sm)" = "@SYSTEM@" ] || fail 6 "$self is for @SYSTEM@, and this machine is $(uname -sm)"
  mkdir -p "$cache" || fail 6 "Cannot make $cache. $other"
  trusted "$cache" || fail 3 "Others may write in $cache: nothing is started from there. $other"
  part=
  trap 'rm -rf "$part"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  part=$(mktemp -d "$cache/.unpacking.$$.XXXXXX") || fail 6 "Cannot write in $cache. $other"
  # What is damaged leaves first, while nobody who starts now can have finished another.
  [ ! -e "$home" ] || mv -T "$home" "$part/damaged" 2>/dev/null || true
  payload | { gzip -dc || mkdir "$part/failed"; } | tar -xf - -C "$part" || mkdir -p "$part/failed"
  if [ ! -d "$part/failed" ]; then
    [ -x "$part/deno" ] || fail 6 "No program may run in $cache (is it mounted noexec?). $other"
    code=0
    DENO_DIR=$part/cache "$part/deno" run --quiet --no-config --no-lock --no-prompt --allow-all \
      "$part/unpack.js" "$part" "$home" || code=$?
    # Its own failures it has explained, and they end with 6.
    [ "$code" = 0 ] || [ "$code" = 6 ] ||
      fail 6 "The Deno inside does not run on this machine (it ended with $code). It needs @SYSTEM@ with glibc"
    [ "$code" = 0 ] && list "$part" > "$part/files" || mkdir -p "$part/failed"
  fi
  if [ -d "$part/failed" ]; then
    payload | gzip -t 2>/dev/null || fail 6 "$self is damaged. Fetch it again"
    fail 6 "Cannot unpack into $cache: it takes 120 MB. Make space there. $other"
  fi
  rm -rf "$part/damaged"
  mv -T "$part" "$home" 2>/dev/null || whole || fail 6 "Cannot put the program into $home. $other"
  rm -rf "$part"
  trap - EXIT HUP INT TERM
  umask "$mask"
}
[ ! -e "$home" ] || { trusted "$cache" && trusted "$home"; } 2>/dev/null || [ ! -e "$home" ] ||
  fail 3 "Others may write in $home: nothing is started from there. Remove it. $other"
whole || unpack
{ true > "$home/used"; } 2>/dev/null || true
export AGENT_EXECUTABLE="$self" DENO_DIR="$home/cache" DENO_NO_UPDATE_CHECK=1
exec "$home/deno" run @FLAGS@ "$home/program/main.js" "$@"
