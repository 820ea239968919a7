#!/usr/bin/env bash
# Plays the whole story: a service is replaced again and again under load, and no client can tell.
set -euo pipefail

usage() {
  cat <<'TEXT'
main_test/run.sh [--port N --port N] [--restarts N]     play the story
main_test/run.sh --serve [FLAGS OF graceful_main]       only serve, in the foreground

On Debian 12, Ubuntu 24.04 or later: installs the missing packages (as root or with sudo), builds
the demonstration program (build/release/main_test/graceful_main) and then

  1. starts it with two HTTP servers, on ports 9090 and 9091 (or free ones, if those are taken),
     and one with TLS and a certificate made for it, on port 9443,
  2. asks it for its pid (by HTTP/1.1, and HTTP/2 under TLS) and for an echo on a WebSocket, sends
     it USR1, and asks again,
  3. restarts it 20 times under a load of keep-alive and one-shot clients, and counts what failed,
  4. sends it QUIT and shows how it leaves,
  5. does the same with a gRPC service: calls on one channel, on new channels and in streams while
     it is restarted 5 times, and counts what failed.

Every process it started is gone when it ends. Exit status 0 only if no request failed.
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
. cmake/install_packages.sh

serve=false
restarts=20
ports=()
tls_port=
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --serve) serve=true && shift && break ;;
    --port) ports+=("${2:?--port needs a number}") && shift 2 ;;
    --restarts) restarts=${2:?--restarts needs a number} && shift 2 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

program=$PWD/build/release/main_test/graceful_main
load_client=$PWD/build/release/tests/bench/bench_load
folder=
started=() # every generation's pid, so that none is left behind
clients=()

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
shown() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; }
die() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

build() {
  heading "Building (release)"
  install_packages g++ cmake ninja-build ccache boost libfmt-dev libspdlog-dev libssl-dev \
    libnghttp2-dev zlib1g-dev prometheus-cpp-dev libyaml-cpp-dev libcli11-dev curl openssl \
    libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  local log=build/release-build.log
  mkdir -p build
  if ! { cmake --preset release -DBATON_GRPC=ON && cmake --build --preset release &&
    cmake --build --preset release --target bench_load; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    die "the build failed; all of it is in $log"
  fi
  echo "build/release/main_test/graceful_main is up to date."
}

# until_true SECONDS COMMAND...: asks again and again, and gives up in time.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.02
  done
}

# Whether a process runs our program (and is not another one that was given the same pid).
is_ours() { [ "$(readlink "/proc/$1/exe" 2>/dev/null)" = "$program" ]; }
is_gone() { ! is_ours "$1"; }

clean_up() {
  local status=$? pid
  trap - EXIT INT TERM
  for pid in "${clients[@]}"; do kill "$pid" 2>/dev/null || true; done
  # A restart that was under way when we were interrupted has a pid we have not noted yet.
  if [ -n "$folder" ] && [ -s "$folder/pid" ]; then started+=("$(cat "$folder/pid")"); fi
  for pid in "${started[@]}"; do
    if is_ours "$pid"; then kill -TERM "$pid" 2>/dev/null || true; fi
  done
  for pid in "${started[@]}"; do
    until_true 3 is_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
  done
  if [ -n "$folder" ]; then
    if [ "$status" != 0 ] && [ "$status" -lt 128 ] && [ -s "$folder/log" ]; then
      printf '\nThe last lines of the log:\n' >&2
      tail -n 30 "$folder/log" >&2
    fi
    rm -rf "$folder"
  fi
  exit "$status"
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# make_certificate FOLDER: server.pem and server.key there, for localhost; kept if they are good
# for another day.
make_certificate() {
  if openssl x509 -checkend 86400 -noout -in "$1/server.pem" >/dev/null 2>&1; then return; fi
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -keyout "$1/server.key" -out "$1/server.pem" -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null ||
    die "openssl cannot make a certificate in $1"
}

# Two ports: those asked for, else 9090 and 9091, else the first free ones from 19090 on.
choose_ports() {
  local candidate
  if [ ${#ports[@]} = 1 ]; then
    ports+=("$((ports[0] + 1))")
  elif [ ${#ports[@]} = 0 ] && ! is_taken 9090 && ! is_taken 9091; then
    ports=(9090 9091)
  elif [ ${#ports[@]} = 0 ]; then
    for ((candidate = 19090; ${#ports[@]} < 2; ++candidate)); do
      is_taken "$candidate" || ports+=("$candidate")
    done
    echo "Port 9090 or 9091 is taken by another program; using ${ports[*]}."
  fi
  for ((tls_port = 9443; ; ++tls_port)); do
    is_taken "$tls_port" || break
  done
}

serving_pid() { cat "$folder/pid" 2>/dev/null || true; }
another_pid_than() { local now && now=$(serving_pid) && [ -n "$now" ] && [ "$now" != "$1" ]; }

ping_all() {
  local port
  for port in "${ports[@]}"; do
    shown "curl http://127.0.0.1:$port/ping"
    curl --silent --show-error --max-time 5 "http://127.0.0.1:$port/ping" ||
      die "no answer on port $port"
  done
  shown "curl --http2 https://localhost:$tls_port/ping"
  curl --silent --show-error --max-time 5 --http2 --cacert "$folder/server.pem" \
    --resolve "localhost:$tls_port:127.0.0.1" "https://localhost:$tls_port/ping" ||
    die "no answer on port $tls_port"
  shown "(a WebSocket) ws://127.0.0.1:${ports[0]}/ws, say: hello"
  websocket_echo "${ports[0]}" hello || die "no echo on the WebSocket of port ${ports[0]}"
}

# websocket_echo PORT TEXT: says TEXT (at most 125 letters) on the WebSocket at /ws and prints what
# comes back. A client in five lines: a handshake, one frame (RFC 6455), masked with zeros, a close.
websocket_echo() {
  local LC_ALL=C line='' socket size=${#2}
  exec {socket}<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n%s\r\n%s\r\n\r\n' \
    'Sec-WebSocket-Version: 13' 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' >&"$socket"
  until [ "$line" = $'\r' ]; do read -r -t 5 line <&"$socket" || return 1; done
  # shellcheck disable=SC2059 # the size is part of the format
  printf "\\x81\\x$(printf %x $((128 + size)))\\0\\0\\0\\0%s\\x88\\x80\\0\\0\\0\\0" "$2" >&"$socket"
  read -r -t 5 -N $((2 + size)) line <&"$socket" || return 1
  exec {socket}>&-
  [ "${line:2}" = "$2" ] && echo "${line:2}"
}

# What the service logged since the last call, as it wrote it.
log_shown=0
show_log() {
  local lines
  lines=$(wc -l <"$folder/log")
  [ "$lines" -le "$log_shown" ] ||
    sed -n "$((log_shown + 1)),${lines}p" "$folder/log" | sed "s/^/$dim  | /; s/\$/$plain/"
  log_shown=$lines
}

start_service() {
  heading "Starting two HTTP servers and one with TLS in one process"
  folder=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  choose_ports
  make_certificate "$folder"
  local flags=(--address 127.0.0.1 --pid-file "$folder/pid" --tls-port "$tls_port"
    --certificate "$folder/server.pem" --key "$folder/server.key") port
  for port in "${ports[@]}"; do flags+=(--port "$port"); done
  shown "graceful_main ${flags[*]}"
  "$program" "${flags[@]}" >"$folder/log" 2>&1 </dev/null &
  started+=($!)
  until_true 20 another_pid_than "" || die "it did not become ready within 20 s"
  show_log
  echo "A page that stays connected through all this: http://127.0.0.1:${ports[0]}/chat"
}

# Sends a signal that restarts, and waits until the next generation serves.
restart() {
  local old
  old=$(serving_pid)
  kill "-$1" "$old"
  until_true 35 another_pid_than "$old" || die "pid $old got $1, but no other generation serves"
  started+=("$(serving_pid)")
}

restart_once() {
  heading "Replacing the process while it serves"
  ping_all
  local old
  old=$(serving_pid)
  shown "kill -USR1 $old"
  restart USR1
  ping_all
  until_true 35 is_gone "$old" || die "the old generation, pid $old, does not leave"
  show_log
}

# start_client NAME PORT FLAGS...: the strict load client in the background.
start_client() {
  local name=$1 port=$2
  shift 2
  "$load_client" --address "127.0.0.1:$port" --path /ping --body-prefix "pong by pid:" \
    --deadline 5000 --duration 600 "$@" >"$folder/$name" 2>&1 </dev/null &
  clients+=($!)
}

clients_connected() { grep -q ^ready: "$folder/keep-alive" && grep -q ^ready: "$folder/one-shot"; }

restart_under_load() {
  heading "$restarts restarts under load"
  echo "Clients on port ${ports[0]}: 48 keep-alive, 16 that think for 50 ms between two requests."
  echo "Clients on port ${ports[1]}: 16 that open a connection for each request."
  echo "A request that is refused, reset, cut short, late or answered wrongly counts as failed."
  start_client keep-alive "${ports[0]}" --keep-alive 48 --thinking 16
  start_client one-shot "${ports[1]}" --one-shot 16
  until_true 20 clients_connected || die "the clients do not get through"
  printf 'Restarting:'
  local number failed=0 pid
  for number in $(seq "$restarts"); do
    # Three old generations may drain at a time (max_draining); a fourth would end the oldest early.
    if [ ${#started[@]} -ge 3 ]; then
      until_true 35 is_gone "${started[-3]}" || die "the old generation, pid ${started[-3]}, does not leave"
    fi
    restart USR1
    printf ' %s' "$number"
  done
  printf '\n'
  for pid in "${clients[@]}"; do
    kill -TERM "$pid"
    wait "$pid" || failed=1
  done
  clients=()
  printf '\nKeep-alive and thinking clients:\n'
  cat "$folder/keep-alive"
  printf '\nOne-shot clients:\n'
  cat "$folder/one-shot"
  log_shown=$(wc -l <"$folder/log")
  [ "$failed" = 0 ] || die "requests failed; the reports above say how"
  printf '\n%s0 failed requests over %s restarts.%s\n' "$bold" "$restarts" "$plain"
}

leave() {
  heading "Leaving"
  local last
  last=$(serving_pid)
  shown "kill -QUIT $last"
  kill -QUIT "$last"
  until_true 40 is_gone "$last" || die "pid $last does not leave"
  show_log
  for last in "${started[@]}"; do
    until_true 40 is_gone "$last" || die "generation with pid $last is still there"
  done
  echo "All $((restarts + 2)) generations have left; nothing is running any more."
}

# gRPC: the service and its client, restarted under load.
call_greeter() {
  heading "gRPC: 5 restarts under calls and streams"
  local programs=$PWD/build/release/main_test port=9190 old number
  while is_taken "$port"; do port=$((port + 1)); done
  program=$programs/greeter_main
  rm -f "$folder/pid"
  shown "greeter_main --address 127.0.0.1:$port"
  "$program" --address "127.0.0.1:$port" --pid-file "$folder/pid" >"$folder/log" 2>&1 </dev/null &
  started=($!)
  until_true 20 another_pid_than "" || die "it did not become ready within 20 s"
  shown "greeter_client hello Ann"
  "$programs/greeter_client" --address "127.0.0.1:$port" hello Ann || die "the call failed"
  shown "greeter_client load 6"
  "$programs/greeter_client" --address "127.0.0.1:$port" load 6 >"$folder/calls" 2>&1 &
  clients=($!)
  for number in 1 2 3 4 5; do
    sleep 1
    old=$(serving_pid)
    restart USR1
    until_true 35 is_gone "$old" || die "the old generation, pid $old, does not leave"
  done
  wait "${clients[0]}" || { cat "$folder/calls" && die "calls failed"; }
  clients=()
  cat "$folder/calls"
  old=$(serving_pid)
  shown "kill -QUIT $old"
  kill -QUIT "$old"
  until_true 40 is_gone "$old" || die "pid $old does not leave"
}

# The on-demand gateway, with the services of its own demonstration.
start_on_demand() {
  heading "Services on demand: started by their first request, and kept when the gateway restarts"
  program=$PWD/build/release/src/apps/ondemand/baton-ondemand
  rm -f "$folder/pid"
  shown "baton-ondemand"
  "$program" --demo --set server.pid_file="$folder/pid" >"$folder/log" 2>&1 </dev/null &
  started=($!)
  until_true 20 grep -q 'what they do' "$folder/log" || die "it did not become ready within 20 s"
  local pages admin before after old
  pages=$(sed -n 's/^  the services *//p' "$folder/log")
  admin=$(sed -n 's/^  what they do *\(.*\)services\/$/\1/p' "$folder/log")
  shown "curl ${pages}page"
  curl --silent --show-error --max-time 20 "${pages}page" >"$folder/page" || die "no answer"
  before=$(grep -o 'process [0-9]*' "$folder/page") || die "the page is not that of the service"
  echo "answered by $before, which nobody had started before"
  shown "baton-ondemand why page"
  "$program" why page --admin "$admin" || die "the gateway does not say why"
  old=$(serving_pid)
  shown "kill -USR1 $old"
  restart USR1
  until_true 35 is_gone "$old" || die "the old generation, pid $old, does not leave"
  after=$(curl --silent --show-error --max-time 20 "${pages}page" | grep -o 'process [0-9]*') ||
    die "no answer from the service behind the restart"
  [ "$before" = "$after" ] || die "the service was $before, and is $after"
  echo "the gateway is pid $(serving_pid) now; the service is still $after"
  old=$(serving_pid)
  shown "kill -QUIT $old"
  kill -QUIT "$old"
  until_true 40 is_gone "$old" || die "pid $old does not leave"
}

# chat_page FLAGS OF graceful_main...: where the chat is then. Its port is the first one.
chat_page() {
  local host=127.0.0.1 port=9090 given=false
  while [ $# -gt 0 ]; do
    case "$1" in
      --address=* | --port=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" && continue ;;
      --address) host=${2-} ;;
      --port) $given || port=${2-} given=true ;;
    esac
    shift
  done
  case "$host" in
    0.0.0.0 | '*' | :: | '[::]') host=127.0.0.1 ;;
    \[*) ;;
    *:*) host="[$host]" ;;
  esac
  if [ "$port" = 0 ]; then
    echo "/chat on the first port that is logged below"
  else
    echo "http://$host:$port/chat"
  fi
}

if $serve; then
  build
  case " $* " in
    *" --certificate "*) ;;
    *)
      make_certificate build/release
      set -- --certificate "$PWD/build/release/server.pem" --key "$PWD/build/release/server.key" "$@"
      ;;
  esac
  heading "Serving (kill -USR1 restarts, Ctrl-C drains and leaves)"
  echo "A page that stays connected meanwhile: $(chat_page "$@")"
  exec "$program" "$@"
fi
build
start_service
restart_once
restart_under_load
leave
call_greeter
start_on_demand
