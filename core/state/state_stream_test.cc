#include "core/state/state_stream.h"

#include <gtest/gtest.h>

#include <random>

namespace vireo::core {
namespace {

std::vector<std::byte> sample_stream() {
  StateWriter writer;
  writer.section("dev/regs", 1, 2, [](FieldWriter& fields) {
    fields.value("small", uint8_t{200});
    fields.value("negative", int32_t{-5});
    fields.value("flag", true);
    const uint16_t words[] = {1, 2, 3};
    fields.values<uint16_t>("words", words);
    fields.text("name", "vireo");
    fields.structures(
        "pairs", 2, [](FieldWriter& pair, size_t i) { pair.value("i", static_cast<uint32_t>(i)); });
  });
  writer.section("dev/more", 0, 1, [](FieldWriter&) {});
  return std::move(writer).take();
}

TEST(StateStream, GivesBackWhatWasWritten) {
  const auto stream = sample_stream();
  const auto reader = StateReader::parse(stream);
  ASSERT_TRUE(reader) << reader.error().message();
  ASSERT_EQ(reader->sections().size(), 2u);
  EXPECT_EQ(reader->find("dev/regs", 0), nullptr);
  const auto* section = reader->find("dev/regs", 1);
  ASSERT_NE(section, nullptr);
  EXPECT_EQ(section->version, 2u);
  int32_t negative = 0;
  uint16_t words[3] = {};
  std::string name;
  uint32_t sum = 0;
  EXPECT_TRUE(section->fields.value("negative", negative));
  EXPECT_TRUE(section->fields.values<uint16_t>("words", words));
  EXPECT_TRUE(section->fields.text("name", name, 10));
  EXPECT_TRUE(
      section->fields.structures("pairs", [&](const FieldReader& pair, size_t i) -> util::Status {
        uint32_t value = 0;
        VIREO_TRY(pair.value("i", value));
        EXPECT_EQ(value, i);
        sum += 1;
        return {};
      }));
  EXPECT_EQ(negative, -5);
  EXPECT_EQ(words[2], 3);
  EXPECT_EQ(name, "vireo");
  EXPECT_EQ(sum, 2u);
}

TEST(StateStream, IntegersMayChangeTheirTypeWhileTheValueFits) {
  const auto stream = sample_stream();
  const auto reader = StateReader::parse(stream);
  ASSERT_TRUE(reader);
  const FieldReader& fields = reader->find("dev/regs", 1)->fields;
  uint64_t wide = 0;
  int64_t wide_negative = 0;
  int8_t narrow = 0;
  bool flag = false;
  EXPECT_TRUE(fields.value("small", wide));
  EXPECT_EQ(wide, 200u);
  EXPECT_TRUE(fields.value("negative", wide_negative));
  EXPECT_EQ(wide_negative, -5);
  EXPECT_FALSE(fields.value("small", narrow)) << "200 is no int8";
  EXPECT_FALSE(fields.value("negative", wide));
  EXPECT_FALSE(fields.value("small", flag));
  EXPECT_FALSE(fields.value("missing", wide));
  EXPECT_FALSE(fields.value("words", wide)) << "three elements";
  EXPECT_FALSE(fields.value("pairs", wide));
  std::string name;
  EXPECT_FALSE(fields.text("name", name, 4)) << "longer than allowed";
}

TEST(StateStream, SurvivesEveryTruncationAndDamage) {
  const auto stream = sample_stream();
  for (size_t length = 0; length < stream.size(); ++length) {
    const std::span<const std::byte> part(stream.data(), length);
    const auto reader = StateReader::parse(part);
    EXPECT_TRUE(!reader || reader->sections().size() < 2) << length;
  }
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    auto damaged = stream;
    for (int i = 0; i < 3; ++i)
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    const auto reader = StateReader::parse(damaged);
    if (!reader) continue;
    for (const auto& section : reader->sections()) {
      uint64_t value = 0;
      util::Status status = section.fields.value("small", value);
      status = section.fields.structures(
          "pairs", [&](const FieldReader& pair, size_t) { return pair.value("i", value); });
    }
  }
}

}  // namespace
}  // namespace vireo::core
