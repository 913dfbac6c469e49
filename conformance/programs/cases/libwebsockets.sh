# libwebsockets on libev serves a page and upgrades a connection. It then sends one frame and no more: a quirk of its own, which
# comes of starting a timer that is active, and which a replacement must keep.
# packages: libwebsockets-evlib-ev libwebsockets-test-server curl python3
. ./library.sh
start $SWAP libwebsockets-test-server --libev -p 21150 -i lo -r /usr/share/libwebsockets-test-server
tcp_ready 21150
loaded $LAST
curl -s --max-time 10 http://127.0.0.1:21150/ >$D/page
expect $D/page '<'
cat >$D/upgrade.py <<'X'
import socket, base64, os
s = socket.create_connection(('127.0.0.1', 21150)); s.settimeout(3)
s.sendall(('GET / HTTP/1.1\r\nHost: 127.0.0.1:21150\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n'
           'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: dumb-increment-protocol\r\n\r\n' % base64.b64encode(os.urandom(16)).decode()).encode())
received = b''
try:
    while received.count(b'\x81') < 10: received += s.recv(4096)
except socket.timeout: pass
print(received.split(b'\r\n')[0].decode()); print('frames', received.count(b'\x81'))
X
/usr/bin/python3 $D/upgrade.py >$D/frames 2>&1
expect $D/frames '101 Switching'
result "$(grep frames $D/frames)"
