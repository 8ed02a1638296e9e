#!/bin/sh
# A fleet on this machine: Redis, the sandbox, three producers and two deliverers. A producer, a deliverer and Redis are
# killed (kill -9) in the middle, the sandbox refuses one event of a hundred, and at the end every event that was relayed
# has arrived, or is a dead letter. It takes some ten seconds.
#
#   sh examples/fleet/run.sh     from a checkout, after `make demo` and `eval "$(make -s env LUA=lua5.4)"`
#
# It needs redis-server and curl. $LUA is the Lua (lua5.4), $SECONDS_LONG how long producers produce (6).
set -eu
cd "$(dirname "$0")/../.."
lua=${LUA:-lua5.4}
seconds=${SECONDS_LONG:-6}
dir=$(mktemp -d)
POSTEVENT_REDIS=unix://$dir/redis.sock
export POSTEVENT_REDIS
children=

cleanup() {
  kill -9 $children 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND...: in the background; its number is in $started.
start() {
  name=$1
  shift
  "$@" >"$dir/$name.log" 2>&1 &
  started=$!
  children="$children $started"
}

start_redis() {
  start redis redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" --save '' --appendonly yes \
    --appendfsync always
  redis=$started
}

# wait_for COMMAND...: until it succeeds, half a minute at most.
wait_for() {
  tries=300
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "waited in vain for: $*" >&2; exit 1; }
    sleep 0.1
  done
}

producer() {
  start "producer-$1" "$lua" examples/fleet/producer.lua "$1" "$seconds" "$dir/relayed-$1"
}

deliverer() {
  start "deliverer-$1" "$lua" bin/postevent relay --name "$1" --url "$url" --timeout 1 --claim-after 2
}

status() {
  "$lua" bin/postevent relay status --over 0
}

is_empty() {
  status | grep -q ': 0 waiting'
}

start_redis
start sandbox "$lua" bin/postevent sandbox --port 0 --port-file "$dir/port" \
  --fault code=7308,share=0.01
wait_for test -s "$dir/port" -a -S "$dir/redis.sock"
url=http://127.0.0.1:$(cat "$dir/port")/eucrm/webhooks/sandbox

producer a && producer b && producer c
killed_producer=$started
deliverer one
deliverer two
killed_deliverer=$started

sleep 1
echo "kill -9: the producer c, the deliverer two, and Redis"
kill -9 "$killed_producer" "$killed_deliverer"
sleep 1
kill -9 "$redis"
wait "$redis" 2>/dev/null || true
rm -f "$dir/redis.sock"
start_redis
deliverer three

sleep "$seconds"
wait_for is_empty
status
curl -s "http://127.0.0.1:$(cat "$dir/port")/sandbox/events" >"$dir/events"
"$lua" bin/postevent relay dead export >"$dir/dead"
"$lua" bin/postevent relay status --over 0 --json >"$dir/status"
"$lua" examples/fleet/accounts.lua "$dir/events" "$dir/dead" "$dir/status" "$dir"/relayed-*
