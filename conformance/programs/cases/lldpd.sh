# Two lldpd on the two ends of a cable see each other.
# packages: lldpd iproute2
. ./library.sh
ip link add v0 type veth peer name v1
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/netns
ip netns add l$$
ip link set v1 netns l$$
trap 'ip netns del l'$$'; cleanup' EXIT
ip link set v0 up
ip netns exec l$$ ip link set v1 up
ip netns exec l$$ ip link set lo up
install -d -o _lldpd -g _lldpd /run/lldpd
start $SWAP lldpd -d -d -u $D/a.sock -S nodeA -I v0
a=$LAST
start ip netns exec l$$ $SWAP lldpd -d -d -u $D/b.sock -S nodeB -I v1
file_ready $D/a.sock
file_ready $D/b.sock
loaded $a
configured() { lldpcli -u $1 configure lldp tx-interval 1; }
eventually 'a takes no orders' configured $D/a.sock
eventually 'b takes no orders' configured $D/b.sock
sees() { lldpcli -u $1 -f keyvalue show neighbors | grep -q "chassis.descr=$2"; }
eventually 'a does not see b' sees $D/a.sock nodeB
eventually 'b does not see a' sees $D/b.sock nodeA
