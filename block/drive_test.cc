#include "block/drive.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>

#include "core/machine_lock.h"
#include "util/async/event_loop.h"

namespace vireo::block {
namespace {

struct DriveTest : testing::Test {
  DriveTest() {
    const int fd = ::mkstemp(path.data());
    ::close(fd);
    fill(300 << 10);
  }
  ~DriveTest() override { ::unlink(path.c_str()); }

  void fill(size_t size) {
    content.resize(size);
    std::minstd_rand random(7);
    for (auto& byte : content) byte = static_cast<std::byte>(random());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(size));
  }

  std::vector<std::byte> file_bytes() const {
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    return {bytes, bytes + text.size()};
  }

  util::Status run(Drive& drive, DriveRequest::Kind kind, uint64_t offset,
                   std::span<std::byte> buffer, uint64_t length = 0) {
    std::optional<util::Status> result;
    DriveRequest request{.kind = kind, .offset = offset, .length = length};
    if (!buffer.empty()) request.buffers.push_back(buffer);
    request.done = [&](util::Status status) { result = std::move(status); };
    {
      const core::MachineLockGuard lock;
      drive.submit(std::move(request));
    }
    while (!result) loop.run_one(1'000'000'000);
    return *result;
  }

  util::EventLoop loop;
  util::ThreadPool threads{2};
  IoContext context{loop, threads};
  std::string path = "/tmp/vireo-drive-test-XXXXXX";
  std::vector<std::byte> content;
};

using Kind = DriveRequest::Kind;

TEST_F(DriveTest, RandomRequestsMatchAModelAndReachTheFile) {
  auto drive = open_drive(context, {.id = "d", .file = path});
  ASSERT_TRUE(drive);
  std::minstd_rand random(1);
  for (int i = 0; i < 300; ++i) {
    const size_t offset = random() % content.size();
    std::vector<std::byte> buffer(std::min<size_t>(1 + random() % 5000, content.size() - offset));
    if (i % 2 == 0) {
      for (auto& byte : buffer) byte = static_cast<std::byte>(random());
      std::copy(buffer.begin(), buffer.end(), content.begin() + static_cast<ptrdiff_t>(offset));
      ASSERT_TRUE(run(**drive, Kind::write, offset, buffer));
    } else {
      ASSERT_TRUE(run(**drive, Kind::read, offset, buffer));
      ASSERT_TRUE(std::equal(buffer.begin(), buffer.end(),
                             content.begin() + static_cast<ptrdiff_t>(offset)));
    }
  }
  ASSERT_TRUE(run(**drive, Kind::flush, 0, {}));
  EXPECT_EQ(file_bytes(), content);
}

TEST_F(DriveTest, SnapshotKeepsTheFileAndRemembersWrites) {
  auto drive = open_drive(context, {.id = "d", .file = path, .snapshot = true});
  ASSERT_TRUE(drive);
  const std::vector<std::byte> before = content;
  std::minstd_rand random(2);
  for (int i = 0; i < 300; ++i) {
    const size_t offset = random() % content.size();
    std::vector<std::byte> buffer(std::min<size_t>(1 + random() % 70000, content.size() - offset));
    if (i % 3 == 0) {
      for (auto& byte : buffer) byte = static_cast<std::byte>(random());
      std::copy(buffer.begin(), buffer.end(), content.begin() + static_cast<ptrdiff_t>(offset));
      ASSERT_TRUE(run(**drive, Kind::write, offset, buffer));
    } else {
      ASSERT_TRUE(run(**drive, Kind::read, offset, buffer));
      ASSERT_TRUE(std::equal(buffer.begin(), buffer.end(),
                             content.begin() + static_cast<ptrdiff_t>(offset)));
    }
  }
  EXPECT_EQ(file_bytes(), before);
}

TEST_F(DriveTest, RefusesWhatDoesNotFit) {
  auto drive = open_drive(context, {.id = "d", .file = path, .read_only = true});
  ASSERT_TRUE(drive);
  std::vector<std::byte> buffer(512);
  EXPECT_FALSE(run(**drive, Kind::write, 0, buffer));
  EXPECT_FALSE(run(**drive, Kind::read, (*drive)->size() - 511, buffer));
  EXPECT_FALSE(run(**drive, Kind::read, ~uint64_t{0}, buffer));
  EXPECT_TRUE(run(**drive, Kind::read, (*drive)->size() - 512, buffer));
}

TEST_F(DriveTest, ErrorsNameTheFile) {
  for (const std::string bad : {"/nonexistent/x.img", "/tmp", "/dev/null"}) {
    const auto drive = open_drive(context, {.id = "d", .file = bad});
    ASSERT_FALSE(drive) << bad;
    EXPECT_NE(drive.error().message().find(bad), std::string::npos);
  }
  std::ofstream(path, std::ios::trunc);
  EXPECT_FALSE(open_drive(context, {.id = "d", .file = path}));
}

TEST_F(DriveTest, TellsWhenTheLastRequestHasEnded) {
  auto drive = open_drive(context, {.id = "d", .file = path});
  ASSERT_TRUE(drive) << drive.error().message();
  int quiet = 0, done = 0;
  std::vector<std::byte> buffer(4096);
  {
    const core::MachineLockGuard lock;
    (*drive)->set_quiet_listener([&] {
      EXPECT_EQ(done, 2);
      EXPECT_EQ((*drive)->in_flight(), 0u);
      ++quiet;
    });
    // The end of the first request starts the second.
    const auto read = [&](auto&& self) -> void {
      (*drive)->submit(
          {.kind = DriveRequest::Kind::read, .buffers = {buffer}, .done = [&, self](util::Status) {
             if (++done == 1) self(self);
           }});
    };
    read(read);
    EXPECT_EQ((*drive)->in_flight(), 1u);
  }
  while (quiet == 0) loop.run_one(1'000'000'000);
  EXPECT_EQ(std::memcmp(buffer.data(), content.data(), buffer.size()), 0);
}

}  // namespace
}  // namespace vireo::block
