// Memory that runs short at a chosen moment. A program that links this has its allocator wrapped by
// the linker (allowance_LDFLAGS), for all of its code.
#pragma once

namespace netpoll::test {

// While it lives, `count` allocations succeed and the others do not.
class Allowance {
 public:
  explicit Allowance(int count);
  ~Allowance();
  Allowance(const Allowance&) = delete;
  Allowance& operator=(const Allowance&) = delete;
};

}  // namespace netpoll::test
