# Shared by the scripts: where things are, and how a step reports its progress and its time.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vireo
export LC_ALL=C.UTF-8

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Runs a command as root; without sudo an unprivileged user gets a clear answer.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root (no sudo here) for: $*"
  fi
}

# The clock of the steps, in tenths of a second.
now() {
  local time=${EPOCHREALTIME/[.,]/}
  printf '%s' $((time / 100000))
}

seconds_since() {
  local tenths=$(($(now) - $1))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

child=
stop_child() {
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || true
  fi
}
trap stop_child EXIT

# Tells now and then what the log of a running step says last.
watch_child() {
  local log=$1 pause=0.2 ticks=0 line
  while kill -0 "$child" 2>/dev/null; do
    sleep "$pause"
    ticks=$((ticks + 1))
    [ "$ticks" -ne 10 ] || pause=1
    if [ "$ticks" -gt 10 ] && [ $((ticks % 10)) -eq 0 ]; then
      line=$(tail -c 400 "$log" | tr '\r' '\n' | tail -n 1)
      printf '    ... %s\n' "${line:0:110}"
    fi
  done
}

# step <title> <command...>: runs the command with its output in a log, says what it does while it
# takes long, and how long it took; when it fails, shows the end of the log and returns its status.
step() {
  local title=$1 begin log status=0
  shift
  begin=$(now)
  log=$(mktemp "${TMPDIR:-/tmp}/vireo-step.XXXXXX")
  printf '==> %s\n' "$title"
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  watch_child "$log"
  wait "$child" || status=$?
  child=
  if [ "$status" -ne 0 ]; then
    tail -n 60 "$log"
    printf '==> %s: failed with status %d after %s\n' "$title" "$status" "$(seconds_since "$begin")"
  else
    printf '    done in %s\n' "$(seconds_since "$begin")"
  fi
  rm -f "$log"
  return "$status"
}
