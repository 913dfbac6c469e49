// The atomic that the lock-free state machines are compiled over in the libraries. The model
// checker in conformance/unit compiles the same templates over an atomic of its own.
#pragma once

#include <atomic>

namespace netpoll {

template <class T>
using StdAtomic = std::atomic<T>;

}  // namespace netpoll
