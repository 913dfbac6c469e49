# knxd passes two group writes, by UNIX socket and TCP, to a bus monitor.
# packages: knxd knxd-tools
. ./library.sh
start $SWAP knxd -e 0.0.1 -E 0.0.2:8 -u$D/k.sock -i 21190 -b dummy:
knxd=$LAST
file_ready $D/k.sock
tcp_ready 21190
loaded $knxd
start knxtool vbusmonitor1 local:$D/k.sock
monitor=$LOG
sleep 0.7
knxtool on local:$D/k.sock 1/2/3 || fail 'by UNIX socket'
timeout 5 knxtool groupswrite ip:127.0.0.1:21190 1/2/4 1 || fail 'by TCP'
eventually 'the first write is not seen' grep -q 1/2/3 $monitor
eventually 'the second write is not seen' grep -q 1/2/4 $monitor
