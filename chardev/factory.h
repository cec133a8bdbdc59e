#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chardev/chardev.h"
#include "util/result.h"

namespace vireo::util {
class EventLoop;
}

namespace vireo::chardev {

/// What to open.
struct Spec {
  std::string id;       ///< For messages.
  std::string backend;  ///< stdio, file, null, pty or socket.
  std::string path;     ///< Of a file or a UNIX socket.
  std::string host, port;
  bool server = false;
  bool wait = true;     ///< A server waits for its first peer before the machine starts.
  bool signals = true;  ///< stdio: C-c ends the program instead of reaching the guest.
};

/// Opens a back end; its callbacks run on `loop`'s thread. Errors name the chardev and what the
/// host refused.
util::Result<std::unique_ptr<Chardev>> open(const Spec& spec, util::EventLoop& loop);

// The back ends; see open().
std::unique_ptr<Chardev> make_null();
util::Result<std::unique_ptr<Chardev>> open_stdio(const Spec& spec, util::EventLoop& loop);
util::Result<std::unique_ptr<Chardev>> open_file(const Spec& spec, util::EventLoop& loop);
util::Result<std::unique_ptr<Chardev>> open_pty(const Spec& spec, util::EventLoop& loop);
util::Result<std::unique_ptr<Chardev>> open_socket(const Spec& spec, util::EventLoop& loop);

}  // namespace vireo::chardev
