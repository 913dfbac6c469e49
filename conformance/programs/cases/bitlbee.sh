# bitlbee greets an IRC client and answers its ping.
# packages: bitlbee netcat-openbsd
. ./library.sh
mkdir $D/cfg
chown nobody $D/cfg
start $SWAP bitlbee -D -n -v -i 127.0.0.1 -p 21667 -d $D/cfg -c /dev/null -P $D/pid
tcp_ready 21667
loaded $LAST
(
  printf 'NICK joe\r\nUSER joe 0 * :Joe\r\n'
  sleep 0.7
  printf 'PING :abc\r\nPRIVMSG &bitlbee :help\r\n'
  sleep 0.7
  printf 'QUIT\r\n'
  sleep 0.2
) | timeout 10 nc -q1 127.0.0.1 21667 >$D/out
expect $D/out ' 001 joe'
expect $D/out PONG
