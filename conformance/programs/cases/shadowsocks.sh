# Three megabytes through a SOCKS tunnel, a fixed tunnel, and a tunnel dressed up as HTTP by a plug-in on both sides.
# packages: shadowsocks-libev simple-obfs curl python3 procps
. ./library.sh
mkdir $D/w
head -c 3000000 /dev/urandom >$D/w/z
web_server $D/w 21120
start $SWAP ss-server -s 127.0.0.1 -p 21121 -k pw -m aes-256-gcm -u
tcp_ready 21121
loaded $LAST
start $SWAP ss-local -s 127.0.0.1 -p 21121 -b 127.0.0.1 -l 21122 -k pw -m aes-256-gcm -u
start $SWAP ss-tunnel -s 127.0.0.1 -p 21121 -b 127.0.0.1 -l 21123 -k pw -m aes-256-gcm -L 127.0.0.1:21120
tcp_ready 21122
tcp_ready 21123
curl -s --max-time 30 --socks5 127.0.0.1:21122 http://127.0.0.1:21120/z | cmp - $D/w/z || fail 'through SOCKS'
curl -s --max-time 30 http://127.0.0.1:21123/z | cmp - $D/w/z || fail 'through the tunnel'
start $SWAP ss-server -s 127.0.0.1 -p 21124 -k pw -m aes-256-gcm --plugin obfs-server --plugin-opts obfs=http
tcp_ready 21124
start $SWAP ss-local -s 127.0.0.1 -p 21124 -b 127.0.0.1 -l 21125 -k pw -m aes-256-gcm --plugin obfs-local --plugin-opts 'obfs=http;obfs-host=x.test'
tcp_ready 21125
sleep 0.5
curl -s --max-time 30 --socks5 127.0.0.1:21125 http://127.0.0.1:21120/z | cmp - $D/w/z || fail 'through the plug-in'
loaded $(pgrep -n obfs-local)
