# Two lldpd on the two ends of a cable see each other.
# packages: lldpd iproute2
. ./library.sh
cable
start $SWAP lldpd -d -d -u $D/a.sock -S nodeA -I v0
a=$LAST
start $FAR $SWAP lldpd -d -d -u $D/b.sock -S nodeB -I v1
b=$LAST
file_ready $D/a.sock
file_ready $D/b.sock
loaded $a
loaded $b
configured() { lldpcli -u $1 configure lldp tx-interval 1; }
eventually 'a takes no orders' configured $D/a.sock
eventually 'b takes no orders' configured $D/b.sock
sees() { lldpcli -u $1 -f keyvalue show neighbors | grep -q "chassis.descr=$2"; }
eventually 'a does not see b' sees $D/a.sock nodeB
eventually 'b does not see a' sees $D/b.sock nodeA
