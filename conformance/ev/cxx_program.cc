// A program that uses every class, member and callback form of ev++.h, and prints what happened.
// Its output is the same with the distribution's header and library and with ours.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev++.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void say(const char* what, long value) {
  std::printf("%s %ld\n", what, value);
}

#define SAY(expression) say(#expression, static_cast<long>(expression))

void on_io(ev::io& w, int revents) {
  say("on_io", revents);
  w.stop();
}

void on_once() {
  say("on_once", 0);
}
void on_once_events(int revents) {
  say("on_once_events", revents);
}
void on_once_c(int revents, void* argument) {
  say(static_cast<const char*>(argument), revents);
}

struct Receiver {
  void timer(ev::timer& w, int revents) {
    say("Receiver::timer", revents);
    if (++calls == 3) w.stop();
  }
  void periodic(ev::periodic& w, int revents) {
    say("Receiver::periodic", revents);
    w.stop();
  }
  void signal(ev::sig& w, int revents) {
    say("Receiver::signal", revents);
    w.stop();
  }
  void child(ev::child& w, int revents) {
    say("Receiver::child", revents);
    SAY(WEXITSTATUS(w.rstatus));
    w.stop();
  }
  void stat(ev::stat& w, int revents) {
    say("Receiver::stat", revents);
    w.stop();
  }
  void idle(ev::idle& w, int revents) {
    say("Receiver::idle", revents);
    w.stop();
  }
  void embed(ev::embed& w, int revents) {
    say("Receiver::embed", revents);
    w.sweep();
  }
  void async(ev::async& w, int revents) {
    say("Receiver::async", revents);
    w.stop();
  }
  void nothing() { say("Receiver::nothing", 0); }
  void once(int revents) { say("Receiver::once", revents); }
  void once_nothing() { say("Receiver::once_nothing", 0); }
  int calls = 0;
};

struct Function {
  void operator()(ev::timer& w, int revents) {
    say("Function::operator()", revents);
    w.stop();
  }
  void operator()(int revents) { say("Function::operator() of once", revents); }
};

struct OnceFunction {
  void operator()(int revents) { say("OnceFunction::operator()", revents); }
};

void constants() {
  SAY(ev::UNDEF);
  SAY(ev::NONE);
  SAY(ev::READ);
  SAY(ev::WRITE);
  SAY(ev::TIMEOUT);
  SAY(ev::TIMER);
  SAY(ev::PERIODIC);
  SAY(ev::SIGNAL);
  SAY(ev::CHILD);
  SAY(ev::STAT);
  SAY(ev::IDLE);
  SAY(ev::CHECK);
  SAY(ev::PREPARE);
  SAY(ev::FORK);
  SAY(ev::ASYNC);
  SAY(ev::EMBED);
  SAY(ev::ERROR);
  SAY(ev::AUTO);
  SAY(ev::NOENV);
  SAY(ev::FORKCHECK);
  SAY(ev::SELECT);
  SAY(ev::POLL);
  SAY(ev::EPOLL);
  SAY(ev::KQUEUE);
  SAY(ev::DEVPOLL);
  SAY(ev::PORT);
  SAY(ev::NONBLOCK);
  SAY(ev::ONESHOT);
  SAY(ev::NOWAIT);
  SAY(ev::ONCE);
  SAY(ev::ONE);
  SAY(ev::ALL);
  SAY(ev::version_major());
  SAY(ev::version_minor());
  SAY(ev::recommended_backends());
  SAY((ev::supported_backends() & ev::EPOLL) != 0);
  SAY((ev::embeddable_backends() & ev::EPOLL) != 0);
}

void loops() {
  ev::default_loop loop;
  ev::loop_ref same = ev::get_default_loop();
  SAY(loop == same);
  SAY(loop != same);
  SAY(loop.is_default());
  ev::dynamic_loop other(ev::POLL | ev::NOENV);
  SAY(other == loop);
  SAY(other.backend());
  SAY(static_cast<struct ev_loop*>(other) != nullptr);
  SAY(static_cast<const struct ev_loop*>(other) != nullptr);
  SAY(other.iteration());
  other.run(ev::NOWAIT);
  other.loop(ev::NONBLOCK);
  SAY(other.iteration());
  SAY(other.depth());
  SAY(other.now() > 1e9);
  SAY(ev::now(other) == other.now());
  other.ref();
  other.unref();
  other.post_fork();
  other.set_io_collect_interval(0.);
  other.set_timeout_collect_interval(0.);
  other.feed_fd_event(0, ev::READ);
  other.feed_signal_event(SIGUSR1);
  ev::delay(0.);
  try {
    ev::dynamic_loop impossible(ev::KQUEUE | ev::NOENV);
    say("made a loop of", ev::KQUEUE);
  } catch (const ev::bad_loop& error) {
    SAY(std::strlen(error.what()) > 0);
    const std::exception& base = error;
    SAY(&base != nullptr);
  }
}

void watchers() {
  ev::dynamic_loop loop(ev::AUTO);
  Receiver receiver;
  int ends[2];
  if (pipe(ends) != 0) std::abort();

  ev::io io(loop);
  SAY(io.is_active());
  io.set<on_io>();
  io.start(ends[1], ev::WRITE);
  SAY(io.is_active());
  io.set(ev::WRITE);  // freezes and goes on
  SAY(io.is_active());
  loop.run();
  io.set(ends[0], ev::READ);
  SAY(io.fd == ends[0]);
  io.set(loop);
  io.feed_event(ev::READ);
  SAY(io.is_pending());
  loop.run(ev::NOWAIT);

  ev::timer timer(loop);
  timer.set<Receiver, &Receiver::timer>(&receiver);
  timer.set(0.001, 0.001);
  timer.start();
  loop.run();
  SAY(receiver.calls);
  // It may be more than what was set: the sum of that and the time of the loop is rounded, where it
  // passes a power of two.
  timer.start(5.);
  SAY(timer.remaining() > 4. && timer.remaining() < 5.000001);
  timer.set(7., 3.);
  timer.again();
  SAY(timer.remaining() > 2. && timer.remaining() < 3.000001);
  timer.stop();

  Function function;
  ev::timer called(loop);
  called.set(&function);
  called.start(0.);
  loop.run();

  ev::periodic periodic(loop);
  periodic.set<Receiver, &Receiver::periodic>(&receiver);
  periodic.start(1.);
  periodic.again();
  loop.run();

  ev::sig signal(loop);
  signal.set<Receiver, &Receiver::signal>(&receiver);
  signal.start(SIGUSR1);
  raise(SIGUSR1);
  loop.run();

  ev::default_loop default_loop;
  ev::child child;
  child.set<Receiver, &Receiver::child>(&receiver);
  const pid_t pid = fork();
  if (pid == 0) _exit(7);
  child.start(pid);
  default_loop.run();

  char path[] = "/tmp/ev-cxx-XXXXXX";
  const int fd = mkstemp(path);
  ev::stat stat(loop);
  stat.set<Receiver, &Receiver::stat>(&receiver);
  stat.start(path, 0.2);
  if (write(fd, "x", 1) != 1) std::abort();
  loop.run();
  stat.update();
  SAY(stat.attr.st_size);
  unlink(path);

  ev::idle idle(loop);
  idle.set<Receiver, &Receiver::idle>(&receiver);
  idle.set();
  idle.start();
  loop.run();

  ev::prepare prepare(loop);
  ev::check check(loop);
  prepare.set<Receiver, &Receiver::nothing>(&receiver);
  check.set<Receiver, &Receiver::nothing>(&receiver);
  prepare.set();
  check.set();
  prepare.start();
  check.start();
  loop.run(ev::NOWAIT);
  prepare.stop();
  check.stop();

  ev::fork fork_watcher(loop);
  fork_watcher.set<Receiver, &Receiver::nothing>(&receiver);
  fork_watcher.set();
  fork_watcher.start();
  loop.post_fork();
  loop.run(ev::NOWAIT);
  fork_watcher.stop();

  ev::dynamic_loop inner(ev::EPOLL | ev::NOENV);
  ev::io inner_io(inner);
  inner_io.set<on_io>();
  inner_io.start(ends[1], ev::WRITE);
  {
    ev::embed embed(loop);
    embed.set<Receiver, &Receiver::embed>(&receiver);
    embed.set_embed(inner);
    embed.start(loop);
    loop.run(ev::NOWAIT);
  }

  ev::async async(loop);
  async.set<Receiver, &Receiver::async>(&receiver);
  async.start();
  async.send();
  SAY(async.async_pending());
  loop.run();
}

void onces() {
  ev::dynamic_loop loop;
  Receiver receiver;
  OnceFunction function;
  loop.once(-1, 0, 0., on_once_c, const_cast<char*>("on_once_c"));
  loop.run();
  loop.once<on_once>(-1, 0, 0.);
  loop.run();
  loop.once<on_once_events>(-1, 0, 0.);
  loop.run();
  loop.once<Receiver, &Receiver::once>(-1, 0, 0., &receiver);
  loop.run();
  loop.once<Receiver, &Receiver::once_nothing>(-1, 0, 0., &receiver);
  loop.run();
  loop.once(-1, 0, 0., &function);
  loop.run();
  loop.break_loop(ev::ALL);
  loop.unloop();
}

void* allocate(void* block, long size) EV_NOEXCEPT {
  if (size != 0) return std::realloc(block, static_cast<size_t>(size));
  std::free(block);
  return nullptr;
}
void complain(const char*) EV_NOEXCEPT {
  std::abort();
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IONBF, 0);  // the child that is forked must not print again
  ev::set_allocator(allocate);
  ev::set_syserr_cb(complain);
  constants();
  loops();
  watchers();
  onces();
  return 0;
}
