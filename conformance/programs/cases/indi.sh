# indiserver starts the driver of a simulated telescope and shows its properties to a client.
# packages: indi-bin netcat-openbsd procps
. ./library.sh
start $SWAP indiserver -p 21256 indi_simulator_telescope
tcp_ready 21256
server=$(pgrep -n indiserver)
loaded $server
(
  printf '<getProperties version="1.7"/>\n'
  sleep 2
) | timeout 10 nc -q1 127.0.0.1 21256 >$D/out
expect $D/out 'Telescope Simulator'
kill $server
