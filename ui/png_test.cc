#include "ui/png.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace vireo::ui {
namespace {

TEST(PngTest, WritesAFileWithItsSize) {
  Surface surface;
  surface.resize(3, 2);
  surface.row(1)[2] = 0xff8000;
  const std::string path = ::testing::TempDir() + "vireo-png-test.png";
  ASSERT_TRUE(write_png(surface, path));
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(content.size(), 24u);
  EXPECT_EQ(content.substr(1, 3), "PNG");
  EXPECT_EQ(content[19], 3);
  EXPECT_EQ(content[23], 2);
  std::filesystem::remove(path);
}

TEST(PngTest, SaysWhatIsWrong) {
  Surface surface;
  EXPECT_FALSE(write_png(surface, "/tmp/never"));
  surface.resize(1, 1);
  const util::Status status = write_png(surface, "/nonexistent/directory/x.png");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace vireo::ui
