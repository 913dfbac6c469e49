# ladvd announces itself on one end of a cable; lldpd on the other end understands. Its child runs with RLIMIT_FSIZE 0, so that
# its log must be a pipe.
# packages: ladvd lldpd iproute2
# waits for: evhttp_encode_uri evhttp_make_request
. ./library.sh
mount -t sysfs none /sys
cable
mkdir -p /run/ladvd
start $FAR lldpd -d -u $D/b.sock -S nodeB -I v1
file_ready $D/b.sock
start bash -c "exec $SWAP ladvd -t -f -L -u ladvd v0 > >(cat) 2>&1"
ladvd=$LAST
sleep 1
loaded $ladvd
sees() { lldpcli -u $D/b.sock -f keyvalue show neighbors | grep -q lldp.v1.chassis; }
eventually 'nobody is seen' sees
