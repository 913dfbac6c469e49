# pgbouncer pools transactions of twenty clients over five connections to PostgreSQL, and answers its console.
# packages: pgbouncer postgresql-15 postgresql-client-15
. ./library.sh
pg=/usr/lib/postgresql/15/bin
as_postgres() { runuser -u postgres -- "$@"; }
chown postgres $D
as_postgres $pg/initdb -D $D/pg -A trust -U postgres >$D/log.initdb 2>&1 || fail initdb
as_postgres $pg/pg_ctl -D $D/pg -w -o "-p 21432 -k $D -c listen_addresses=127.0.0.1 -c fsync=off" -l $D/log.pg start >/dev/null || fail postgres
cat >$D/bouncer.ini <<X
[databases]
postgres = host=127.0.0.1 port=21432
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 21433
unix_socket_dir = $D
auth_type = trust
auth_file = $D/users
pool_mode = transaction
default_pool_size = 5
admin_users = postgres
pidfile = $D/bouncer.pid
logfile = $D/log.bouncer
X
echo '"postgres" ""' >$D/users
touch $D/log.bouncer
chown postgres $D/users $D/log.bouncer $D/bouncer.ini
start runuser -u postgres -- $SWAP pgbouncer $D/bouncer.ini
tcp_ready 21433
eventually 'no process number' test -s $D/bouncer.pid
loaded $(cat $D/bouncer.pid)
psql -h 127.0.0.1 -p 21433 -U postgres -Atc 'select 6*7' postgres >$D/answer
expect $D/answer '^42$'
as_postgres $pg/pgbench -i -q -h 127.0.0.1 -p 21433 postgres >$D/out.init 2>&1
as_postgres $pg/pgbench -h 127.0.0.1 -p 21433 -c 20 -j 2 -T 3 -n postgres >$D/bench 2>&1
grep -E 'tps|processed' $D/bench
expect $D/bench 'failed transactions: 0'
psql -h 127.0.0.1 -p 21433 -U postgres -Atc 'show version' pgbouncer >$D/version || fail console
psql -h 127.0.0.1 -p 21433 -U postgres -c 'show pools' pgbouncer >$D/pools
result "$(grep -c postgres $D/pools) pool"
as_postgres $pg/pg_ctl -D $D/pg -m immediate stop >/dev/null
