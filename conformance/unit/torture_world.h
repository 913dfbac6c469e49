// The descriptors that the torture plays with, and the truth about them. Thirty-two numbers are
// opened, closed, replaced and duplicated under the feet of an fd table; what each of them is ready
// for is asked of poll(2). It knows no poller and no table.
//
// A number refers to a channel: one end of a socket pair or pipe, whose far end stays out of reach
// of the table, or a regular file. Several numbers may refer to one channel, and so may holders and
// forked children, which keep a file open after its last number has gone.
#pragma once

#include <sys/types.h>

#include "conformance/unit/random.h"

namespace torture {

using netpoll::test::Random;

inline constexpr int kNumbers = 32;
inline constexpr int kChannels = 48;
inline constexpr int kNone = -1;

enum class Kind { kSocket, kPipeToRead, kPipeToWrite, kRegularFile };

class World {
 public:
  explicit World(Random& random);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  static int fd_of(int number) { return kFirstNumber + number; }
  static int number_of(int fd) { return fd - kFirstNumber; }

  bool is_open(int number) const { return channel_of_[number] != kNone; }
  int channel_of(int number) const { return channel_of_[number]; }
  Kind kind_of(int number) const { return channels_[channel_of_[number]].kind; }

  // Makes the number another file's, without closing it first if it is open.
  void open(int number, bool regular_files);
  void close(int number);
  void duplicate(int from, int to);   // dup2
  bool can_return(int number) const;  // what it named before is open under another number
  void come_back(int number);         // ... and it names that again
  void hold(int number);              // keeps its file open behind its back
  void drop_holder();
  void fork_child();  // keeps everything open that is open now, for a while
  void end_child();

  // I/O at one end. Each does what its name says, or nothing where that makes no sense.
  void read_near(int number);
  void fill_near(int number);
  bool write_far(int channel);  // whether something was written
  void drain_far(int channel);
  void hang_up(int channel);

  // The truth: what poll(2) says of every number; POLLNVAL for a closed one.
  void ask();
  short revents(int number) const { return revents_[number]; }

 private:
  static constexpr int kFirstNumber = 100;
  static constexpr int kFirstFar = 200;
  static constexpr int kFirstHolder = 300;
  static constexpr int kHolders = 8;
  static constexpr int kChildren = 2;

  struct Channel {
    Kind kind;
    bool far_open;
  };

  int far_of(int channel) const { return kFirstFar + channel; }
  int free_channel();
  bool in_use(int channel) const;
  int descriptor_of(int channel) const;
  void name(int number, int channel);
  void close_far(int channel);

  Random& random_;
  Channel channels_[kChannels] = {};
  int channel_of_[kNumbers];
  int named_before_[kNumbers];
  int holder_channel_[kHolders];
  int next_holder_ = 0;
  pid_t children_[kChildren];
  int next_child_ = 0;
  short revents_[kNumbers] = {};
};

}  // namespace torture
