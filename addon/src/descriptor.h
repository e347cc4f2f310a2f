// A descriptor that is closed at the end of its block.
#ifndef WASBOX_DESCRIPTOR_H
#define WASBOX_DESCRIPTOR_H

#include <unistd.h>

#include <cerrno>

namespace wasbox {

  // Leaves errno as it is.
  class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
      const int error = errno;
      if (fd_ >= 0)
        close(fd_);
      errno = error;
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator = (const Descriptor &) = delete;
    operator int() const {
      return fd_;
    }

  private:
    int fd_;
  };

} // namespace wasbox

#endif
