# tmux runs a shell that prints much, splits, pipes a pane, and goes away when it is told.
# packages: tmux
. ./library.sh
T="$SWAP tmux -L case$$ -f /dev/null"
$T new-session -d -s s -x 100 -y 30 sh || fail 'no session'
eventually 'no server' $T display -p '#{pid}'
loaded $($T display -p '#{pid}')
$T send-keys -t s 'echo A$((40+2))B; for i in $(seq 2000); do echo line$i; done; echo DO''NE' Enter
pane_says() { $T capture-pane -p -S -3000 -t s | grep -q "$1"; }
eventually 'the shell is not done' pane_says '^DONE'
$T capture-pane -p -S -3000 -t s >$D/out
expect $D/out '^A42B'
expect $D/out '^line2000'
$T split-window -t s 'sleep 100'
result "$($T list-panes -t s | wc -l) panes"
$T pipe-pane -t s.0 "cat >$D/pipe"
$T send-keys -t s.0 'echo piped' Enter
eventually 'nothing piped' grep -q piped $D/pipe
$T run-shell "echo from-run-shell >$D/shell"
expect $D/shell from-run-shell
$T wait-for -S channel
$T kill-server
sleep 0.2
$T ls 2>&1 | grep -q 'no server' || fail 'the server is still running'
