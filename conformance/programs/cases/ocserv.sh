# ocserv takes a client through the three steps of an AnyConnect login; its control socket says that it is up.
# packages: ocserv curl openssl
. ./library.sh
certificate
printf 'pw\npw\n' | ocpasswd -c $D/pw u
cat >$D/ocserv.conf <<X
auth = "plain[passwd=$D/pw]"
listen-host = 127.0.0.1
tcp-port = 21454
socket-file = $D/oc.sock
server-cert = $D/c.pem
server-key = $D/k.pem
isolate-workers = false
use-occtl = true
occtl-socket-file = $D/occtl.sock
pid-file = $D/pid
device = vpns
ipv4-network = 10.88.0.0
ipv4-netmask = 255.255.255.0
cookie-timeout = 300
run-as-user = ocserv
run-as-group = ocserv
max-clients = 8
log-level = 3
X
start $SWAP ocserv -f -d 3 -c $D/ocserv.conf
tcp_ready 21454
loaded $LAST
login() { # PATH BODY
  curl -sk -b $D/jar -c $D/jar -A 'Open AnyConnect VPN Agent v9' -d "<?xml version=\"1.0\" encoding=\"UTF-8\"?>$2" "https://127.0.0.1:21454$1"
}
login / '<config-auth client="vpn" type="init"></config-auth>' >$D/1
expect $D/1 'auth-request|username'
login /auth '<config-auth client="vpn" type="auth-reply"><auth><username>u</username></auth></config-auth>' >$D/2
expect $D/2 password
login /auth '<config-auth client="vpn" type="auth-reply"><auth><password>pw</password></auth></config-auth>' >$D/3
expect $D/3 'id="success"'
occtl -s $D/occtl.sock show status >$D/status
expect $D/status online
