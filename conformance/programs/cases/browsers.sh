# links2 (libevent) and elinks (the libevent interface of libev) fetch pages, and follow a link when used in a terminal.
# packages: links2 elinks tmux python3 procps
. ./library.sh
export HOME=$D
mkdir $D/w
printf '<html><head><title>T</title></head><body><h1>Hello-Browser</h1><p>para <a href="/b.html">next</a></p></body></html>' >$D/w/index.html
printf '<html><body>page-two %s</body></html>' "$(seq 3000 | tr '\n' ' ')" >$D/w/b.html
web_server $D/w 21110
fetch() { # FILE PATTERN COMMAND...
  file=$D/$1 pattern=$2
  shift 2
  timeout 20 $SWAP "$@" >$file </dev/null
  expect $file "$pattern"
}
fetch links.dump Hello-Browser links2 -dump http://127.0.0.1:21110/
fetch links.source page-two links2 -source http://127.0.0.1:21110/b.html
fetch elinks.dump Hello-Browser elinks -no-home -dump http://127.0.0.1:21110/
fetch elinks.long 'page-two' elinks -no-home -dump http://127.0.0.1:21110/b.html
expect $D/elinks.long 3000
T="tmux -L case$$ -f /dev/null"
shows() { $T capture-pane -p -t b | grep -q "$1"; }
for browser in links2 'elinks -no-home -no-connect'; do
  $T new-session -d -s b -x 80 -y 24 "$SWAP $browser http://127.0.0.1:21110/"
  eventually "$browser shows no page" shows Hello-Browser
  loaded $(pgrep -n -x "${browser%% *}")
  $T send-keys -t b Down Enter
  eventually "$browser does not follow the link" shows page-two
  $T kill-server
  sleep 0.3
done
