# sslsplit sits between a client and a TLS server with certificates of its own making, and passes half megabytes through untouched;
# a second listener passes TCP through.
# packages: sslsplit openssl curl python3
. ./library.sh
certificate
openssl req -x509 -newkey rsa:2048 -nodes -keyout $D/ca.key -out $D/ca.crt -subj /CN=testca -days 2 \
  -addext basicConstraints=critical,CA:TRUE 2>/dev/null || fail 'no authority'
mkdir $D/www $D/logs
head -c 500000 /dev/urandom >$D/www/z
echo hello-split >$D/www/i
cat >$D/server.py <<X
import http.server, os, ssl
os.chdir("$D/www")
server = http.server.ThreadingHTTPServer(('127.0.0.1', 21449), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("$D/c.pem", "$D/k.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
X
start /usr/bin/python3 $D/server.py
tcp_ready 21449
start $SWAP sslsplit -D -k $D/ca.key -c $D/ca.crt -l $D/connections -S $D/logs \
  https 127.0.0.1 21446 127.0.0.1 21449 tcp 127.0.0.1 21450 127.0.0.1 21449
split=$LAST
tcp_ready 21446
tcp_ready 21450
loaded $split
curl -sk -v https://127.0.0.1:21446/i >$D/page 2>$D/verbose
expect $D/page hello-split
expect $D/verbose 'CN=testca'
for i in 1 2 3 4 5; do
  curl -sk https://127.0.0.1:21446/z | cmp - $D/www/z || fail "half megabyte $i"
done
curl -sk https://127.0.0.1:21450/i >$D/through
expect $D/through hello-split
