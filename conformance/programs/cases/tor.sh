# tor without a network, with and without its system-call filter: its configuration, its control port with events every second, a name
# answered by its DNS port (evdns's server), a proxy that refuses, and an orderly end.
# packages: tor netcat-openbsd bind9-dnsutils curl
# waits for: evdns_add_server_port_with_base evdns_server_request_respond
. ./library.sh
one_run() { # SANDBOX
  mkdir -m 700 $D/data.$1
  cat >$D/torrc.$1 <<X
DataDirectory $D/data.$1
SocksPort 127.0.0.1:21090
ControlPort 127.0.0.1:21091
CookieAuthentication 0
HTTPTunnelPort 127.0.0.1:21092
DNSPort 127.0.0.1:21093
Sandbox $1
AutomapHostsOnResolve 1
AutomapHostsSuffixes .test
VirtualAddrNetworkIPv4 10.192.0.0/10
Log info stdout
X
  $SWAP tor -f $D/torrc.$1 --verify-config >$D/verified 2>&1
  expect $D/verified 'Configuration was valid'
  start $SWAP tor -f $D/torrc.$1
  tor=$LAST
  tcp_ready 21091
  loaded $tor
  result "sandbox $1: $(grep Seccomp: /proc/$tor/status)"
  printf 'AUTHENTICATE\r\nGETINFO version net/listeners/socks process/pid\r\nSETEVENTS BW\r\n' | timeout 5 nc -q3 127.0.0.1 21091 >$D/control
  expect $D/control '250-version'
  expect $D/control '650 BW'
  dig +short +time=3 +tries=1 @127.0.0.1 -p 21093 foo.test A >$D/name
  expect $D/name '^10[.]'
  curl -s --max-time 2 --socks5-hostname 127.0.0.1:21090 http://x.invalid/ && fail 'a page from nowhere'
  printf 'AUTHENTICATE\r\nSIGNAL HALT\r\n' | timeout 3 nc -q1 127.0.0.1 21091 >/dev/null
  eventually 'tor does not leave' gone $tor
}
one_run 0
one_run 1
