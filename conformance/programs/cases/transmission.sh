# One transmission-daemon seeds three megabytes to another, told where by a tracker of ten lines; both are governed over HTTP. (They
# refuse peers on 127/8 and tell peers apart by address: hence the two local addresses.)
# packages: transmission-daemon transmission-cli curl python3
# waits for: evhttp_new evhttp_bind_socket_with_handle evhttp_set_gencb
. ./library.sh
mkdir $D/src
head -c 3000000 /dev/urandom >$D/src/f.bin
$SWAP transmission-create -o $D/f.torrent -t http://127.0.0.1:21099/announce $D/src/f.bin >$D/created || fail 'no torrent'
$SWAP transmission-show $D/f.torrent >$D/shown
expect $D/shown 'Hash: '
daemon() { # NAME RPC-PORT PEER-PORT ADDRESS
  mkdir -p $D/cfg$1 $D/dl$1
  start $SWAP transmission-daemon -f -g $D/cfg$1 -p $2 -r 127.0.0.1 -a 127.0.0.1 -T -P $3 -w $D/dl$1 -M -O -Y -i $4 --no-utp
  tcp_ready $2
  loaded $LAST
}
daemon A 21095 21096 10.99.0.1
daemon B 21097 21098 10.99.0.2
session=$(curl -s http://127.0.0.1:21095/transmission/rpc | grep -oE 'X-Transmission-Session-Id: [^<]*')
curl -s -H "$session" -d '{"method":"session-get"}' http://127.0.0.1:21095/transmission/rpc >$D/answer
expect $D/answer '"result":"success"'
complete() { $SWAP transmission-remote 127.0.0.1:$1 -l | grep -q '100%'; }
cp $D/src/f.bin $D/dlA/
$SWAP transmission-remote 127.0.0.1:21095 -a $D/f.torrent -w $D/dlA >$D/added
expect $D/added success
eventually 'the seeder has not verified its file' complete 21095
cat >$D/tracker.py <<X
import http.server, socket, struct
class Tracker(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments): pass
    def do_GET(self):
        peer = socket.inet_aton('10.99.0.1') + struct.pack('>H', 21096)
        body = b'd8:intervali10e5:peers%d:' % len(peer) + peer + b'e'
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(('127.0.0.1', 21099), Tracker).serve_forever()
X
start /usr/bin/python3 $D/tracker.py
tcp_ready 21099
$SWAP transmission-remote 127.0.0.1:21097 -a $D/f.torrent -w $D/dlB >/dev/null
for _ in $(seq 240); do complete 21097 && break; sleep 0.25; done
cmp $D/src/f.bin $D/dlB/f.bin || fail 'other bytes'
curl -s http://127.0.0.1:21095/transmission/web/ >$D/web
expect $D/web '[Tt]ransmission'
