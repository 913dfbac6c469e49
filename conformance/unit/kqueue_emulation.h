// What a test may do to the emulated kqueue besides using it: make calls fail in ways that the real
// ones do, rarely. The emulation itself is reached through <sys/event.h> in
// conformance/unit/kqueue.
//
// A program that uses it is linked with --wrap for close and dup2: kqueue forgets a descriptor when
// its number is closed, and a library has no other way to see that.
#pragma once

namespace kqueue_emulation {

// The next call that only makes changes is interrupted (EINTR) after the first `changes` of them.
void interrupt_after(int changes);

// The next addition to this filter fails with `error`.
void fail_next_addition(int filter, int error);

}  // namespace kqueue_emulation
