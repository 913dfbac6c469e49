# trickled paces the download of a program that trickle wraps.
# packages: trickle python3
. ./library.sh
printf '[ssh]\nPriority = 1\n' >$D/conf
start $SWAP trickled -f -d 200 -u 200 -n $D/t.sock -c $D/conf
file_ready $D/t.sock
loaded $LAST
mkdir $D/w
head -c 200000 /dev/zero >$D/w/z
web_server $D/w 21257
timeout 30 trickle -n $D/t.sock -d 200 /usr/bin/python3 -c "import urllib.request as u; print(len(u.urlopen('http://127.0.0.1:21257/z').read()))" >$D/out 2>&1
expect $D/out '^200000'
