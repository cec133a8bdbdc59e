#include "ui/ppm.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace vireo::ui {
namespace {

TEST(PpmTest, WritesHeaderAndPixels) {
  Surface surface;
  surface.resize(2, 1);
  surface.row(0)[1] = 0xff8001;
  const std::string path = ::testing::TempDir() + "vireo-ppm-test.ppm";
  ASSERT_TRUE(write_ppm(surface, path));
  std::ifstream file(path, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(content, std::string("P6\n2 1\n255\n\0\0\0\xff\x80\x01", 17));
  std::filesystem::remove(path);
}

TEST(PpmTest, SaysWhatIsWrong) {
  Surface surface;
  EXPECT_FALSE(write_ppm(surface, "/tmp/never"));
  surface.resize(1, 1);
  const util::Status status = write_ppm(surface, "/nonexistent/directory/x.ppm");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace vireo::ui
