#include "core/memory/flat_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace vireo::core {
namespace {

constexpr uint64_t kKiB = 1 << 10, kGiB = 1 << 30;
constexpr uint64_t kLast = ~uint64_t{0};

/// Mappings that begin at these addresses, in any order, and at 0.
std::vector<Mapping> mappings_from(std::vector<uint64_t> firsts) {
  firsts.push_back(0);
  std::ranges::sort(firsts);
  firsts.erase(std::unique(firsts.begin(), firsts.end()), firsts.end());
  std::vector<Mapping> mappings;
  for (size_t i = 0; i < firsts.size(); ++i) {
    mappings.push_back({firsts[i], i + 1 < firsts.size() ? firsts[i + 1] - 1 : kLast});
  }
  return mappings;
}

const Mapping& plain_search(const FlatView& view, uint64_t address) {
  return *std::ranges::find_if(view.mappings(), [address](const Mapping& mapping) {
    return mapping.first <= address && address <= mapping.last;
  });
}

/// Both ends of all mappings, and addresses around them.
void expect_like_plain_search(const FlatView& view) {
  for (const Mapping& mapping : view.mappings()) {
    EXPECT_EQ(&view.find(mapping.first), &mapping) << std::hex << mapping.first;
    EXPECT_EQ(&view.find(mapping.last), &mapping) << std::hex << mapping.last;
    const uint64_t inside = mapping.first + (mapping.last - mapping.first) / 2;
    EXPECT_EQ(&view.find(inside), &mapping) << std::hex << inside;
  }
}

TEST(FlatView, OfNothing) {
  const FlatView view(mappings_from({}));
  EXPECT_EQ(view.table_size(), 0u);
  for (const uint64_t address : {uint64_t{0}, uint64_t{1} << 52, kLast}) {
    EXPECT_EQ(&view.find(address), &view.mappings()[0]);
  }
}

TEST(FlatView, SectionsBeginAndEndWithinAPage) {
  expect_like_plain_search(FlatView(mappings_from({1})));
  expect_like_plain_search(FlatView(mappings_from({0xfed00000, 0xfed00400})));
  expect_like_plain_search(FlatView(mappings_from({0xfed00ffe, 0xfed01001})));
  std::vector<uint64_t> firsts;
  for (uint64_t first = 0xfe000000; first < 0xfe001010; first += 7) firsts.push_back(first);
  expect_like_plain_search(FlatView(mappings_from(firsts)));
}

TEST(FlatView, SectionsReachTheEndOfTheAddressSpace) {
  expect_like_plain_search(FlatView(mappings_from({kLast})));
  expect_like_plain_search(FlatView(mappings_from({kLast - 1})));
  expect_like_plain_search(FlatView(mappings_from({uint64_t{1} << 52, kLast - 0xfff})));
  expect_like_plain_search(FlatView(mappings_from({(uint64_t{1} << 52) - 1})));
}

TEST(FlatView, TablesGrowWithWhatIsMapped) {
  std::vector<uint64_t> firsts;
  for (uint64_t i = 1; i < 3000; ++i) {
    firsts.push_back(i * 0x1230);
    if (i % 500 == 0) expect_like_plain_search(FlatView(mappings_from(firsts)));
  }
}

TEST(FlatView, TablesOfAPcAreSmall) {
  std::vector<uint64_t> firsts = {0xa0000,    0xc0000,    0xf0000,    0x100000,   0xc0000000,
                                  0xfec00000, 0xfec01000, 0xfed00000, 0xfed00400, 0xfee00000,
                                  0xfef00000, 0xfffc0000, 4 * kGiB,   65 * kGiB};
  for (uint64_t bar = 0xfe000000; bar < 0xfe100000; bar += 0x1000) firsts.push_back(bar);
  EXPECT_LE(FlatView(mappings_from(firsts)).table_size(), 24 * kKiB);
  firsts.push_back((uint64_t{1} << 52) - 0x4000);
  EXPECT_LE(FlatView(mappings_from(firsts)).table_size(), 40 * kKiB);
  EXPECT_LE(FlatView(mappings_from({0x60, 0x61, 0x3f8, 0x400, 0x10000})).table_size(), 6 * kKiB);
}

TEST(FlatView, RandomSections) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> firsts;
    const uint64_t base = random() >> random() % 64;
    for (uint64_t i = random() % 40 + 1; i > 0; --i) {
      const bool is_near = random() % 2 == 0;
      firsts.push_back(is_near ? base + random() % 0x3000 : random() >> random() % 64);
    }
    const FlatView view(mappings_from(firsts));
    expect_like_plain_search(view);
    for (int i = 0; i < 200; ++i) {
      const uint64_t address = random() >> random() % 64;
      ASSERT_EQ(&view.find(address), &plain_search(view, address)) << std::hex << address;
    }
  }
}

class Nothing final : public IoHandler {
 public:
  uint64_t io_read(uint64_t, unsigned) override { return 0; }
  void io_write(uint64_t, unsigned, uint64_t) override {}
};

// Against the rule, byte by byte: the highest priority wins, then the newest.
TEST(FlatView, RandomOverlaps) {
  constexpr uint64_t kBytes = 0x3000, kPlace = 0xfe000000;
  std::mt19937 random(12);
  Nothing handler;
  for (int round = 0; round < 30; ++round) {
    Region root = Region::container("root");
    std::vector<std::unique_ptr<Region>> regions;
    std::vector<int> priorities(kBytes, -1);
    std::vector<const Region*> owners(kBytes, nullptr);
    for (int i = 0; i < 12; ++i) {
      const uint64_t first = random() % kBytes, size = random() % (kBytes - first) + 1;
      const int priority = static_cast<int>(random() % 3);
      regions.emplace_back(new Region(Region::io("section", size, handler)));
      root.add_subregion(*regions.back(), kPlace + first, priority);
      for (uint64_t at = first; at < first + size; ++at) {
        if (priority < priorities[at]) continue;
        priorities[at] = priority;
        owners[at] = regions.back().get();
      }
    }
    const FlatView view(FlatViewBuilder::build(root));
    for (uint64_t at = 0; at < kBytes; ++at) {
      ASSERT_EQ(view.find(kPlace + at).read_region, owners[at]) << round << " " << at;
    }
  }
}

}  // namespace
}  // namespace vireo::core
