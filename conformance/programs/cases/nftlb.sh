# nftlb keeps a farm that is given to it over its web interface.
# packages: nftlb curl procps
. ./library.sh
start $SWAP nftlb -H 127.0.0.1 -P 21255 -k kk -l 5
tcp_ready 21255
loaded $(pgrep -n nftlb)
curl -s -H 'Key: kk' http://127.0.0.1:21255/farms >$D/none
curl -s -H 'Key: kk' -X POST http://127.0.0.1:21255/farms >$D/posted -d '{"farms":[{"name":"f","family":"ipv4","virtual-addr":"10.99.0.1",
"virtual-ports":"80","mode":"dnat","state":"down","backends":[]}]}'
curl -s -H 'Key: kk' http://127.0.0.1:21255/farms >$D/farms
expect $D/farms '"name": "f"'
