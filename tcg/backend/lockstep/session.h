#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tcg/backend/backend.h"
#include "tcg/backend/lockstep/shadow_memory.h"
#include "tcg/backend/lockstep/state_image.h"
#include "tcg/backend/lockstep/undefined_flags.h"

namespace vireo::tcg::lockstep {

constexpr size_t kMaximumHelpers = 256;

/// One vCPU's lock-step: writes down what a block does on the reference, and checks that the
/// subject does the same. The two backends are made with the hooks and helpers below, which find
/// the session of their thread.
class Session {
 public:
  /// `real` are the owner's hooks and helpers.
  Session(const BackendConfig& real, size_t state_bytes, size_t asynchronous_byte)
      : hooks_(real.hooks),
        helpers_(real.helpers),
        state_bytes_(state_bytes),
        asynchronous_byte_(asynchronous_byte) {}

  static Hooks hooks();
  /// Stand-ins for `count` helpers.
  static std::span<const Helper> helpers(size_t count);

  /// Around the reference's run of a block.
  void begin_reference(Frame* frame, const Freedom& freedom);
  void end_reference();
  /// Around the subject's: the state is again what it was. A run that was refused (a kick came
  /// first) may be repeated.
  void begin_subject();
  /// Whether the subject gets the results of the reference's accesses one by one.
  bool replays() const { return phase_ == Phase::kReplay; }
  /// Leaves the reference's state. What the subject did otherwise; empty if nothing.
  std::string end_subject();

  /// Before a run of the subject that is not compared.
  void begin_alone(Frame* frame);

  /// The state before the block, for reports; and behind it again.
  void put_before() { before_.put(*frame_); }
  void put_after() { after_.put(*frame_); }
  /// Whether the subject was given results, since the block called helpers or touched devices.
  bool was_replayed() const { return phase_after_ == Phase::kReplay; }

 private:
  enum class Phase : uint8_t {
    kReference,  ///< Hooks do the work and write it down.
    kPages,      ///< The subject runs on copies of pages.
    kReplay,     ///< Hooks compare with what was written down.
    kAlone,      ///< Hooks do the work.
  };
  enum class Kind : uint8_t { kLoad, kStore, kUpdate, kHelper, kDivideError, kSimdException };

  /// One access, call or fault.
  struct Item {
    Kind kind;
    bool left = false;  ///< It did not return: the state after is that of the block.
    uint16_t helper = 0;
    MemoryOperation operation{};
    uint64_t guest_ip = 0;
    uint64_t va = 0;
    uint64_t arguments[3] = {};          ///< Of a helper; operand and replacement of an update.
    uint64_t result = 0;                 ///< Of a helper or update.
    uint32_t flags = 0;                  ///< After an update.
    const uint8_t* host = nullptr;       ///< Real memory, if plain.
    size_t images = kNoImages;           ///< State around it, if it is more than a plain access.
    alignas(32) uint8_t bytes[32] = {};  ///< Loaded, stored, or left in memory by an update.
  };
  struct Images {
    StateImage before, after;
  };
  static constexpr size_t kNoImages = ~size_t{0};

  // The hooks, in both roles.
  const void* load(uint64_t va, const MemoryOperation& operation);
  void store(uint64_t va, const MemoryOperation& operation, const void* value);
  uint64_t update(uint64_t va, const MemoryOperation& operation, uint64_t operand,
                  uint64_t replacement);
  uint64_t repeat_update(uint64_t va, const MemoryOperation& operation, uint64_t operand,
                         uint64_t replacement);
  void fault(Kind kind);
  uint64_t call(unsigned helper, uint64_t a, uint64_t b, uint64_t c);
  template <size_t Index>
  static uint64_t helper_stand_in(Frame* frame, uint64_t a, uint64_t b, uint64_t c);

  Item& write_down(Kind kind, uint64_t va, const MemoryOperation& operation);
  void begin_images(Item& item);
  void end_images(Item& item);
  uint8_t* plain_place(uint64_t va, const MemoryOperation& operation, Access access);
  Item& next_item(Kind kind, uint64_t va, const MemoryOperation& operation);
  void finish_item(const Item& item);
  const Item& find_update(uint64_t va);
  [[noreturn]] void differ(std::string what);
  void note_tlb();
  void set_tlb(bool real);
  void take(StateImage& image) const { image.take(*frame_, state_bytes_, asynchronous_byte_); }
  uint8_t requests() const;
  void refill(uint64_t va, const MemoryOperation& operation, Access access);

  const Hooks hooks_;
  const std::span<const Helper> helpers_;
  const size_t state_bytes_;
  const size_t asynchronous_byte_;

  Frame* frame_ = nullptr;
  const Freedom* freedom_ = nullptr;
  Phase phase_ = Phase::kReference;
  Phase phase_after_ = Phase::kPages;  ///< Of the subject.
  Tlb* real_tlb_[kTlbNames] = {};
  uint8_t requests_ = 0;  ///< The asynchronous byte at the beginning.
  StateImage before_, after_;
  uint16_t exit_reason_ = 0;
  std::vector<Item> items_;
  size_t next_ = 0;  ///< Item that the subject has to do next.
  size_t helpers_called_ = 0;
  std::vector<std::unique_ptr<Images>> images_;  ///< The first `images_used_` are in use.
  size_t images_used_ = 0;
  ShadowMemory memory_;
  std::string difference_;
};

/// Makes a session the calling thread's for its scope.
class SessionScope {
 public:
  explicit SessionScope(Session* session);
  ~SessionScope();
  SessionScope(const SessionScope&) = delete;
  SessionScope& operator=(const SessionScope&) = delete;
};

}  // namespace vireo::tcg::lockstep
