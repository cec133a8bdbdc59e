// The terminal (or whatever standard input and output are) as a byte stream, in raw mode while we
// run.

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

#include "chardev/descriptor_stream.h"
#include "chardev/factory.h"
#include "util/async/event_loop.h"

namespace vireo::chardev {

namespace {

termios saved_terminal;
bool terminal_changed = false;

void restore_terminal() {
  if (terminal_changed) ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_terminal);
  terminal_changed = false;
}

void make_terminal_raw(bool signals) {
  if (::tcgetattr(STDIN_FILENO, &saved_terminal) != 0) return;
  termios raw = saved_terminal;
  raw.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.c_oflag |= OPOST;
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN);
  if (!signals) raw.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  raw.c_cflag = (raw.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) return;
  terminal_changed = true;
  std::atexit(restore_terminal);
}

class Stdio final : public DescriptorStream {
 public:
  Stdio(util::EventLoop& loop, bool signals) : DescriptorStream(loop) {
    make_terminal_raw(signals);
    connect(STDIN_FILENO, STDOUT_FILENO);
  }
  ~Stdio() override { restore_terminal(); }

 private:
  // The end of standard input ends input only: a guest may still have much to print.
  void on_hangup() override { connect(-1, STDOUT_FILENO); }
};

}  // namespace

util::Result<std::unique_ptr<Chardev>> open_stdio(const Spec& spec, util::EventLoop& loop) {
  return std::unique_ptr<Chardev>(new Stdio(loop, spec.signals));
}

}  // namespace vireo::chardev
