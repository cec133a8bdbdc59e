#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "accel/accelerator.h"
#include "accel/guest_cpu.h"
#include "accel/tcg/code_pages.h"
#include "accel/tcg/ram_map.h"
#include "accel/tcg/soft_tlb.h"
#include "tcg/ir/block.h"
#include "tcg/runtime/frame.h"
#include "tcg/runtime/hooks.h"
#include "tcg/runtime/return_stacks.h"

namespace vireo::tcg {
struct CodePage;
struct TranslatedBlock;
}  // namespace vireo::tcg
namespace vireo::core {
class AddressSpace;
class RamBlock;
}  // namespace vireo::core

namespace vireo::accel {

enum class BlockKind : uint8_t;
class Profile;
class TcgAccelerator;

/// A vCPU thread that runs translations: the execution loop, the soft TLB and the slow paths of
/// guest memory accesses.
class TcgVcpu final : public Vcpu, private CodeReader {
 public:
  TcgVcpu(TcgAccelerator& accelerator, GuestCpu& cpu, unsigned index,
          std::unique_ptr<tcg::ReturnStacks> return_stacks);
  ~TcgVcpu() override;

  util::Status start() override;
  void stop() override;
  void request_pause() override;
  void wait_paused() override;
  void resume() override;
  void wake() override;
  void request_reset() override;

  GuestCpu& cpu() { return cpu_; }
  tcg::Frame& frame() { return frame_; }
  CodeReader& code_reader() { return *this; }

  // For the target, on the vCPU's thread. Pages are guest-virtual addresses of any byte in them.
  void flush_all();
  void flush_non_global();
  void flush_page(uint64_t address);
  /// See i386::Machine; `id` is any number that stands for a set of page tables.
  void set_address_space(uint16_t id, bool keep);
  void flush_address_space(uint16_t id);
  /// The rights to data of pages with these keys (bit i: key i) are fewer than before.
  void flush_keys(uint16_t keys);
  /// The position may have another mode than before; called where translated code goes on without
  /// the loop.
  void mode_changed();
  /// Where `physical` lies in host memory; `read` is null if it is no memory. General registers
  /// only.
  RamStretch find_ram(uint64_t physical);
  /// See tcg::Hooks::refill.
  bool refill(uint64_t va, unsigned size, tcg::Access access, uint8_t flags);

  /// Physical addresses are `memory`'s from here on: the accelerator's, or one that it watches.
  void set_memory(core::AddressSpace& memory);

  // For the accelerator, from any thread.
  /// Takes a new snapshot of a memory's layout; machine lock held.
  void memory_changed(core::AddressSpace& memory);
  /// Physical addresses lead elsewhere than before; machine lock held.
  void forget_memory();
  void withdraw_write(const std::byte* first, const std::byte* last);
  /// Forgets everything that holds addresses of translations; on the vCPU's thread or while it is
  /// paused.
  void forget_translations();
  /// The same for translations whose code was in these bytes.
  void forget_code(std::span<const std::byte> code);

  /// Host address of the code at `linear`, or null with the fault in `fault`. Code where there is
  /// no memory reads as all ones.
  const std::byte* fetch(uint64_t linear, PageWalk& fault);

  /// Null: not wanted.
  Profile* profile() { return profile_.get(); }
  /// The vCPU has its profile count anew before it runs guest code again.
  void request_profile_restart() { post_request(kRequestProfileRestart); }
  /// How often translated code was left for the loop, by tcg::ExitReason. Any thread.
  uint64_t exits(tcg::ExitReason reason) const {
    return exits_[static_cast<unsigned>(reason)].load(std::memory_order_relaxed);
  }
  /// Those of kLookup because a check that accesses share had failed.
  uint64_t failed_checks() const { return failed_checks_.load(std::memory_order_relaxed); }

  static tcg::Hooks hooks();

 private:
  enum Request : uint32_t {
    kRequestPause = 1,
    kRequestStop = 2,
    kRequestReset = 4,
    kRequestProfileRestart = 8,
  };
  struct ExecEntry {
    uint64_t page = ~uint64_t{0};  // guest-virtual
    const std::byte* host = nullptr;
    bool global = false;
    bool user = false;
    uint8_t page_bits = tcg::kPageBits;   // of the guest's page that it is part of
    const tcg::CodePage* code = nullptr;  // that was begun in last, of maybe several
  };
  static constexpr unsigned kExecEntries = 256;

  static constexpr uint64_t kNoPage = ~uint64_t{0};

  void post_request(uint32_t request);
  void thread_main();
  bool serve_requests();
  void sleep_until_woken();
  void run();
  BlockKind next_kind(const tcg::TranslatedBlock* from, unsigned slot);
  tcg::TranslatedBlock* next_block(tcg::TranslatedBlock* from, unsigned slot);
  bool refuse_branch();
  void change_mode(const CodePosition& position);
  void select_jumps();
  ExecEntry& exec_entry(uint64_t linear);
  const std::byte* host_page_for_code(uint64_t physical);
  void note_mapping(const tcg::CodePage& page, uint64_t ip, uint64_t linear);
  void flush_locked();  // with tlb_lock_ held
  void forget_fetches(bool keep_global);
  void forget_fetches_of(uint64_t address);
  std::span<const std::byte> bytes_at(uint64_t linear) override;

  // Slow paths; see tcg::Hooks.
  static bool refill_hook(tcg::Frame* frame, uint64_t va, unsigned size, tcg::Access access,
                          uint8_t flags);
  const void* load(uint64_t va, const tcg::MemoryOperation& operation);
  void store(uint64_t va, const tcg::MemoryOperation& operation, const void* value);
  uint64_t update(uint64_t va, const tcg::MemoryOperation& operation, uint64_t operand,
                  uint64_t replacement);
  struct Place;
  std::optional<uint64_t> device_at(uint64_t va, tcg::Access access, uint8_t flags);
  uint64_t walk_to(uint64_t va, tcg::Access access, uint8_t flags);
  Place locate(uint64_t va, unsigned size, tcg::Access access, uint8_t flags);
  void check_alignment(uint64_t va, const tcg::MemoryOperation& operation);
  void read_place(const Place& place, std::byte* into);
  void write_place(const Place& place, const std::byte* from);
  void prepare_write(const Place& place);
  /// `-d mmu`: refills for the access, if it can be, and tells of it.
  void log_fill(uint64_t va, unsigned size, tcg::Access access, uint8_t flags);
  /// `-d exec,cpu`.
  void log_entry(const tcg::TranslatedBlock& block) const;
  [[noreturn]] void leave(tcg::ExitReason reason);
  SoftTlb& tlb(uint8_t flags);

  TcgAccelerator& accelerator_;
  GuestCpu& cpu_;
  tcg::Frame& frame_;
  unsigned index_;

  // Guards the TLBs and the map against other threads; held for a few instructions only.
  class Spinlock {
   public:
    void lock() {
      while (flag_.exchange(true, std::memory_order_acquire)) {
      }
    }
    void unlock() { flag_.store(false, std::memory_order_release); }

   private:
    std::atomic<bool> flag_{false};
  };
  Spinlock tlb_lock_;
  struct AddressSpace {
    uint16_t id = 0;
    uint64_t last_use = 0;  // 0: holds nothing, stands for none
    struct Tables {
      tcg::UserTables user;
      tcg::Tlb supervisor, supervisor_on_user;
    };
    std::unique_ptr<Tables> tables = std::make_unique<Tables>();
    // Supervisor, user, supervisor with rights to user pages; see Frame::kernel_tlb.
    SoftTlb tlb[3] = {SoftTlb(tables->supervisor), SoftTlb(tables->user.tlb),
                      SoftTlb(tables->supervisor_on_user)};
    CodePages code{tables->user.code_pages};

    void flush();
    void flush_non_global();
    void flush_page(uint64_t address);
  };
  static constexpr unsigned kAddressSpaces = 8;  // Linux uses six PCIDs a CPU
  template <class F>
  void for_each_space(F&& visit) {
    for (AddressSpace& space : spaces_) {
      if (space.last_use != 0) visit(space);
    }
  }
  /// `drop` takes entries from TLBs of the space that it is given.
  template <class F>
  void drop_from_tlbs(F&& drop) {
    for_each_space(drop);
    frame_.forget_stack_pages();
  }
  AddressSpace* find_space(uint16_t id);
  void forget_jump_targets();
  void enter_space(AddressSpace& space);
  std::array<AddressSpace, kAddressSpaces> spaces_;
  AddressSpace* space_ = nullptr;  // the current one
  uint64_t space_switches_ = 0;
  /// What physical addresses stand for in one of the CPU's modes.
  struct Memory {
    core::AddressSpace& space;
    RamMap map;
  };
  std::list<Memory> memories_;
  Memory* memory_ = nullptr;  // the current one
  std::array<ExecEntry, kExecEntries> exec_cache_;
  PageFilter<1024> large_fetches_;                     // pages that entries of it may be parts of
  std::unique_ptr<tcg::JumpTarget[]> jump_caches_[2];  // by privilege: supervisor, user
  std::unique_ptr<tcg::ReturnStacks> return_stacks_;
  uint64_t mode_ = ~uint64_t{0};  // of the last block entered from here
  bool user_ = false;
  static constexpr unsigned kExitReasons =
      static_cast<unsigned>(tcg::ExitReason::kCodeModified) + 1;
  std::array<std::atomic<uint64_t>, kExitReasons> exits_{};
  std::atomic<uint64_t> failed_checks_{0};
  std::unique_ptr<Profile> profile_;
  bool single_instruction_ = false;  // the next block holds one: it may modify its own bytes

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<uint32_t> requests_{kRequestPause};
  bool paused_ = true;  // guarded by mutex_
  bool woken_ = false;  // guarded by mutex_
};

}  // namespace vireo::accel
