# What every case begins with: a directory of its own, programs in the background that end with it, and the proof of which
# libraries are loaded. Sourced by the cases; started and judged by run-programs, which sets:
#   SWAP    words to put before a program under test (empty where the loader's cache does the swap)
#   OURS    the directory that every libevent or libev must come from; empty: it must be the distribution's
#   NOTES   a file for `result` and `loaded`
set -u
export LC_ALL=C
SWAP=${SWAP:-}
D=$(mktemp -d /tmp/case.XXXXXX)
chmod 755 "$D"
started=
logs=0

cleanup() {
  for pid in $started; do kill "$pid" 2>/dev/null; done
  sleep 0.1
  for pid in $started; do kill -9 "$pid" 2>/dev/null; done
  rm -rf "$D"
}
trap cleanup EXIT

# Starts a program in the background; LAST is its process, LOG its output.
start() {
  logs=$((logs + 1))
  LOG=$D/log.$logs
  "$@" >"$LOG" 2>&1 </dev/null &
  LAST=$!
  started="$started $LAST"
  disown $LAST
}

fail() {
  echo "FAIL: $*"
  tail -n 20 "$D"/log.* 2>/dev/null
  exit 1
}

# True within some seconds, or the case fails: `eventually "what" COMMAND...`
eventually() {
  what=$1
  shift
  for _ in $(seq 150); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  fail "$what"
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
tcp_ready() { eventually "nobody listens on port $1" listens "$1"; }
file_ready() { eventually "no $1" test -e "$1"; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# The file has a line that matches, or the case fails and shows the file.
expect() {
  grep -qE -- "$2" "$1" && return 0
  echo "--- $1:"
  head -n 40 "$1"
  fail "expected /$2/"
}

# A fact that must be the same with both libraries.
result() { echo "result $*" | tee -a "$NOTES"; }

# Proves what a process has mapped: some libevent or libev, and only from where it must come.
loaded() {
  [ -r "/proc/$1/maps" ] || fail "no process '$1' to look at"
  cat "/proc/$1/maps" >"$D/maps.$1"
  loaded_by_maps "$D/maps.$1" "$(tr '\0' ' ' <"/proc/$1/cmdline" | cut -c1-40)"
}
loaded_by_maps() {
  files=$(grep -oE '/[^ ]*/lib(event(_[a-z]+)?-[^ ]*|ev|pollshim[^ ]*)[.]so[^ ]*' "$1" | sort -u)
  [ -n "$files" ] || fail "$2 has neither libevent nor libev mapped"
  for file in $files; do
    case $file in
    "${OURS:-/none}"/*) ;;
    *) [ -z "${OURS:-}" ] || fail "$2 has the original mapped: $file" ;;
    esac
  done
  for file in $files; do echo "loaded $(basename "$file")"; done >>"$NOTES"
  echo "loaded by $2:" $files
}

# A key and a certificate for localhost: $D/k.pem and $D/c.pem.
certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$D/k.pem" -out "$D/c.pem" -subj /CN=localhost -days 2 2>/dev/null ||
    fail "no certificate"
}
web_server() { # DIRECTORY PORT, by Python, which uses neither library
  start /usr/bin/python3 -m http.server -d "$1" --bind 127.0.0.1 "$2"
  tcp_ready "$2"
}
# A cable: v0 here, v1 in a network of its own, in which $FAR runs what comes after it. /run is private from then on.
cable() {
  mount -t tmpfs -o mode=755 none /run
  mkdir -p /run/netns
  install -d -o _lldpd -g _lldpd /run/lldpd
  ip link add v0 type veth peer name v1
  ip netns add far
  FAR='ip netns exec far'
  ip link set v1 netns far
  ip link set v0 up
  $FAR ip link set v1 up
  $FAR ip link set lo up
}
