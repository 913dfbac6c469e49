# turnserver relays datagrams for its own clients over UDP and TCP without losing one, and shakes hands over TLS. (4.6.1's own client
# loses some packets over TLS with OpenSSL 3 anyway: there, something must come through.)
# packages: coturn openssl
# waits for: evhttp_uri_parse evhttp_uri_free
. ./library.sh
certificate
cat >$D/turn.conf <<X
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port=21478
tls-listening-port=21479
allow-loopback-peers
cert=$D/c.pem
pkey=$D/k.pem
lt-cred-mech
user=u:p
realm=r
no-cli
userdb=$D/db
pidfile=$D/turn.pid
log-file=stdout
simple-log
X
start $SWAP turnserver -c $D/turn.conf
server=$LAST
tcp_ready 21478
tcp_ready 21479
loaded $server
start $SWAP turnutils_peer -L 127.0.0.1 -p 21480
sleep 0.5
loaded $LAST
$SWAP turnutils_stunclient -p 21478 127.0.0.1 >$D/stun 2>&1
expect $D/stun 'UDP reflexive addr: 127.0.0.1'
relay() { timeout 60 $SWAP turnutils_uclient "$@" -u u -w p -e 127.0.0.1 -r 21480 -c -X 127.0.0.1 >$D/relayed 2>&1; }
for transport in '' -t; do
  relay $transport -p 21478 -m 2 -n 20
  expect $D/relayed 'Total lost packets 0 '
done
for i in 1 2 3 4 5 6 7 8 9 10; do openssl s_client -connect 127.0.0.1:21479 -brief </dev/null 2>&1; done >$D/handshakes
result "$(grep -c 'CONNECTION ESTABLISHED' $D/handshakes) handshakes of 10"
relay -t -S -p 21479 -m 1 -n 10
expect $D/relayed 'tot_recv_msgs=[1-9]'
