# unbound answers from local data, over UDP and TCP, and by asking nsd, which also transfers and reloads its zone.
# packages: unbound nsd bind9-dnsutils
. ./library.sh
cat >$D/unbound.conf <<X
server:
  verbosity: 1
  num-threads: 2
  interface: 127.0.0.1@21053
  port: 21053
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "$D"
  pidfile: "$D/unbound.pid"
  local-zone: "test." static
  local-data: "a.test. IN A 10.1.2.3"
  local-data: "big.test. IN TXT '$(head -c 200 /dev/zero | tr '\0' x)'"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
stub-zone:
  name: "example.org"
  stub-addr: 127.0.0.1@21054
  stub-prime: no
remote-control:
  control-enable: yes
  control-interface: $D/unbound.sock
  control-use-cert: no
X
mkdir $D/nsd
cat >$D/nsd/nsd.conf <<X
server:
  ip-address: 127.0.0.1
  port: 21054
  username: ""
  chroot: ""
  zonesdir: "$D/nsd"
  database: ""
  pidfile: "$D/nsd/pid"
  xfrdfile: "$D/nsd/xfrd"
  zonelistfile: "$D/nsd/zones"
  xfrdir: "$D/nsd"
  server-count: 2
remote-control:
  control-enable: yes
  control-interface: $D/nsd/nsd.sock
zone:
  name: example.org
  zonefile: example.org.zone
  provide-xfr: 127.0.0.1 NOKEY
X
printf '$ORIGIN example.org.\n$TTL 60\n@ SOA ns root 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.80\n' >$D/nsd/example.org.zone
$SWAP nsd-checkzone example.org $D/nsd/example.org.zone || fail 'nsd-checkzone'
$SWAP unbound-checkconf $D/unbound.conf || fail 'unbound-checkconf'
start $SWAP nsd -d -c $D/nsd/nsd.conf
nsd=$LAST
start $SWAP unbound -d -c $D/unbound.conf
unbound=$LAST
tcp_ready 21053
tcp_ready 21054
loaded $unbound
loaded $nsd
ask() { dig +tries=3 +time=3 @127.0.0.1 "$@"; }
ask -p 21053 +short a.test >$D/local && expect $D/local '^10.1.2.3$'
ask -p 21053 +short +tcp big.test TXT >$D/big && expect $D/big xxxx
ask -p 21054 +short www.example.org >$D/www && expect $D/www '^192.0.2.80$'
ask -p 21054 example.org AXFR >$D/zone && expect $D/zone 'www.example.org'
ask -p 21053 www.example.org >$D/recursive && expect $D/recursive 192.0.2.80
nsd-control -c $D/nsd/nsd.conf status >$D/status && expect $D/status version
sed -i 's/192.0.2.80/192.0.2.81/;s/root 1 /root 2 /' $D/nsd/example.org.zone
nsd-control -c $D/nsd/nsd.conf reload
reloaded() { ask -p 21054 +short www.example.org | grep -q '^192.0.2.81$'; }
eventually 'nsd has not reloaded' reloaded
$SWAP unbound-control -c $D/unbound.conf stats_noreset >$D/stats && expect $D/stats total.num.queries=
$SWAP unbound-control -c $D/unbound.conf stop
eventually 'unbound is still up' gone $unbound
