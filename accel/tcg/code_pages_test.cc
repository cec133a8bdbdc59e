#include "accel/tcg/code_pages.h"

#include <gtest/gtest.h>

#include <memory>

namespace vireo::accel {
namespace {

constexpr uint64_t kPage = 0x7f0000401000;

/// With a table of its own.
struct TestPages : private std::unique_ptr<tcg::UserTables>, public CodePages {
  TestPages() : unique_ptr(new tcg::UserTables), CodePages(get()->code_pages) {}
};

uint64_t slot_of(CodePages& pages, uint32_t number) {
  return pages.table()[tcg::code_page_slot(number)];
}

TEST(CodePages, HoldsWhatIsMapped) {
  TestPages pages;
  EXPECT_EQ(slot_of(pages, 5), tcg::kCodePageUnmapped);
  pages.fill(5, kPage, kPage + 0x123, false, tcg::kPageBits);
  EXPECT_EQ(slot_of(pages, 5), kPage);
  pages.flush_page(kPage + tcg::kPageSize);
  EXPECT_EQ(slot_of(pages, 5), kPage);
  pages.flush_page(kPage + 0xfff);
  EXPECT_EQ(slot_of(pages, 5), tcg::kCodePageUnmapped);
}

TEST(CodePages, NumbersOfOneSlotDifferByTag) {
  TestPages pages;
  constexpr uint32_t kOther = 5 + 3 * tcg::kUsedCodePageSlots;
  ASSERT_EQ(tcg::code_page_slot(5), tcg::code_page_slot(kOther));
  pages.fill(5, kPage + tcg::code_page_tag(5), kPage, false, tcg::kPageBits);
  pages.fill(kOther, kPage + tcg::code_page_tag(kOther), kPage, false, tcg::kPageBits);
  EXPECT_EQ(slot_of(pages, 5), kPage + 3);
  pages.flush_page(kPage);
  EXPECT_EQ(slot_of(pages, 5), tcg::kCodePageUnmapped);
  EXPECT_LT(tcg::code_page_tag(tcg::kCodePageNumbers - 1), tcg::kPageSize - 1);
}

TEST(CodePages, FlushesKeepGlobalPagesIfAsked) {
  TestPages pages;
  pages.fill(1, kPage, kPage, false, tcg::kPageBits);
  pages.fill(2, 0, 0xffffffff81000000, true, tcg::kPageBits);
  pages.flush_non_global();
  EXPECT_EQ(slot_of(pages, 1), tcg::kCodePageUnmapped);
  EXPECT_EQ(slot_of(pages, 2), 0u);
  pages.flush_page(0xffffffff81000fff);
  EXPECT_EQ(slot_of(pages, 2), tcg::kCodePageUnmapped);
  pages.fill(2, 0, 0xffffffff81000000, true, tcg::kPageBits);
  pages.flush();
  EXPECT_EQ(slot_of(pages, 2), tcg::kCodePageUnmapped);
}

TEST(CodePages, LargePagesGoAsAWhole) {
  constexpr uint64_t kLarge = 0xffffffff81000000;
  TestPages pages;
  pages.fill(1, 0, kLarge + 0x5000, true, 21);
  pages.fill(2, 1, kLarge + 0x200000, true, 21);
  pages.fill(3, 2, kPage, false, tcg::kPageBits);
  pages.flush_non_global();
  pages.flush_page(kLarge);
  EXPECT_EQ(slot_of(pages, 1), tcg::kCodePageUnmapped);
  EXPECT_EQ(slot_of(pages, 2), 1u);
}

TEST(CodePages, AreForOneModeOfEachPrivilege) {
  TestPages pages;
  pages.select_mode(false, 1);
  pages.select_mode(true, 2);
  pages.fill(1, kPage, kPage, false, tcg::kPageBits);
  pages.select_mode(false, 1);
  pages.select_mode(true, 2);
  EXPECT_EQ(slot_of(pages, 1), kPage);
  pages.select_mode(true, 3);
  EXPECT_EQ(slot_of(pages, 1), tcg::kCodePageUnmapped);
}

}  // namespace
}  // namespace vireo::accel
