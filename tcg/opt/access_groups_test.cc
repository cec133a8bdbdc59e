#include "tcg/opt/access_groups.h"

#include <gtest/gtest.h>

#include "tcg/ir/builder.h"

namespace vireo::tcg {
namespace {

constexpr unsigned kAx = 0, kBx = 3, kSp = 4;

class AccessGroupsTest : public ::testing::Test {
 protected:
  AccessGroupsTest() { b_.insn_start(0x1000); }

  Value get(unsigned reg) { return b_.get_reg(Type::kI64, reg); }
  Value load(Value base, int64_t displacement, Type type = Type::kI64, uint8_t flags = 0) {
    return b_.load(type, base, static_cast<uint64_t>(displacement), flags);
  }
  void next() { b_.insn_start(ip_ += 4); }
  void find() {
    groups_.find(block_, [](const Block&, const Inst&) { return true; });
    groups_.drop_single_ones([](uint16_t) { return false; });
  }
  const AccessGroup& group_of(Value access) const { return groups_[groups_.number_at(access.id)]; }

  uint64_t ip_ = 0x1000;
  Block block_;
  Builder b_{&block_};
  AccessGroups groups_;
};

TEST_F(AccessGroupsTest, OneBaseMakesAGroup) {
  const Value base = get(kBx);
  const Value first = load(base, 8);
  next();
  const Value second = load(b_.address(Type::kI64, base, {}, 0, 16), -32, Type::kI16);
  find();
  ASSERT_EQ(groups_.number_at(first.id), groups_.number_at(second.id));
  EXPECT_FALSE(groups_.is_checked(first.id));
  EXPECT_TRUE(groups_.is_checked(second.id));
  const AccessGroup& group = group_of(first);
  EXPECT_EQ(group.lowest, -24);
  EXPECT_EQ(group.bytes, 32);
  EXPECT_FALSE(group.writes);
  EXPECT_EQ(groups_.offset_at(first.id), 24);
  EXPECT_EQ(groups_.offset_at(second.id), 0);
}

TEST_F(AccessGroupsTest, SingleAccessesMakeNone) {
  const Value one = load(get(kBx), 0);
  next();
  const Value other = load(get(kAx), 0);
  find();
  EXPECT_EQ(groups_.number_at(one.id), AccessGroups::kNone);
  EXPECT_EQ(groups_.number_at(other.id), AccessGroups::kNone);
}

TEST_F(AccessGroupsTest, IndexedAddressesShareBaseIndexAndScale) {
  const Value base = get(kBx), index = get(kAx);
  const Value first = load(b_.address(Type::kI64, base, index, 3, 0), 0);
  next();
  const Value same = load(b_.address(Type::kI64, base, index, 3, 8), 0);
  next();
  const Value other_scale = load(b_.address(Type::kI64, base, index, 2, 8), 0);
  find();
  EXPECT_EQ(groups_.number_at(first.id), groups_.number_at(same.id));
  EXPECT_EQ(groups_.number_at(other_scale.id), AccessGroups::kNone);
}

TEST_F(AccessGroupsTest, PrivilegesAndDistancesSeparate) {
  const Value base = get(kBx);
  const Value first = load(base, 0);
  next();
  const Value user = load(base, 8, Type::kI64, kMemoryUser);
  next();
  const Value far = load(base, AccessGroups::kMostBytes);
  find();
  for (const Value access : {first, user, far}) {
    EXPECT_EQ(groups_.number_at(access.id), AccessGroups::kNone);
  }
}

TEST_F(AccessGroupsTest, BeginWithTheFirstAccessOfAnInstruction) {
  const Value pointer = load(get(kBx), 0);
  const Value second = load(get(kSp), 0);  // of the same instruction
  next();
  const Value third = load(get(kSp), 8), fourth = load(get(kSp), 16);
  find();
  EXPECT_EQ(groups_.number_at(pointer.id), AccessGroups::kNone);
  EXPECT_EQ(groups_.number_at(second.id), AccessGroups::kNone);
  EXPECT_EQ(groups_.number_at(third.id), AccessGroups::kNone);  // of another base than the next
  EXPECT_EQ(groups_.number_at(fourth.id), AccessGroups::kNone);
}

TEST_F(AccessGroupsTest, AlignmentHoldsForTheLowestByte) {
  const Value base = get(kBx);
  const Value first = load(base, 4, Type::kI32);
  next();
  const Value aligned = load(base, 32, Type::kV128, kMemoryAligned);
  next();
  const Value askew = load(base, 56, Type::kV128, kMemoryAligned);
  find();
  const AccessGroup& group = group_of(aligned);
  EXPECT_EQ(group.alignment, 16);
  EXPECT_EQ(group.lowest, -4);
  EXPECT_EQ(group.bytes, 48);
  EXPECT_EQ(groups_.offset_at(first.id), 4);
  EXPECT_EQ(groups_.number_at(askew.id), AccessGroups::kNone);
}

TEST_F(AccessGroupsTest, HelpersEndThem) {
  const Value base = get(kBx);
  const Value before = load(base, 0);
  next();
  b_.call(0, Type::kVoid);
  next();
  const Value behind = load(base, 8);
  find();
  EXPECT_EQ(groups_.number_at(before.id), AccessGroups::kNone);
  EXPECT_EQ(groups_.number_at(behind.id), AccessGroups::kNone);
}

TEST_F(AccessGroupsTest, OneThatWritesMakesAllOfItWritable) {
  const Value base = get(kBx);
  const Value first = load(base, 0);
  next();
  b_.store(base, 8, first, 0);
  find();
  EXPECT_TRUE(group_of(first).writes);
}

}  // namespace
}  // namespace vireo::tcg
