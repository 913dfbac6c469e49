# smtpd takes three mails, one of 100 KB, one by its own client, and delivers them. (Its TLS is broken with OpenSSL 3 anyway.)
# packages: opensmtpd swaks
. ./library.sh
mount -t tmpfs none /var/spool/smtpd
chmod 711 /var/spool/smtpd
mount -t tmpfs none /run
mount -t tmpfs none /var/mail
chmod 1777 /var/mail
cat >$D/smtpd.conf <<X
listen on 127.0.0.1 port 21025
table al { root = nobody }
action "l" mbox alias <al>
match from any for domain "t.test" action "l"
match from any for local action "l"
X
$SWAP smtpd -n -f $D/smtpd.conf || fail 'the configuration'
start $SWAP smtpd -d -v -f $D/smtpd.conf
tcp_ready 21025
loaded $LAST
send() { swaks --server 127.0.0.1 --port 21025 --from a@b.test --silent 2 "$@" >$D/out 2>&1 || fail "swaks: $(cat $D/out)"; }
send --to nobody@t.test --body 'hello-body-123'
send --to root@t.test --body "$(seq 20000)"
printf 'Subject: by smtp(1)\n\nsmtp-client-789\n' | $SWAP smtp -s smtp://127.0.0.1:21025 -F a@b.test nobody@t.test || fail smtp
delivered() { for word in hello-body-123 smtp-client-789 ^19999; do grep -q $word /var/mail/nobody || return; done; }
eventually 'not all mail has come' delivered
result "$(grep -c '^From ' /var/mail/nobody) mails"
$SWAP smtpctl show stats >$D/stats
expect $D/stats 'scheduler.delivery.ok=|smtp.session'
$SWAP smtpctl show queue
