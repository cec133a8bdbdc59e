// The lock-step: pairs of translations, run one after the other.

#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>

#include "tcg/backend/lockstep/lockstep.h"
#include "tcg/backend/lockstep/session.h"
#include "util/log.h"

namespace vireo::tcg {
namespace {

using lockstep::Freedom;
using lockstep::Session;
using lockstep::SessionScope;

struct Pair : TranslatedBlock {
  TranslatedBlock* reference = nullptr;
  TranslatedBlock* subject = nullptr;
  TranslatedBlock* separate = nullptr;  ///< The subject's with Block::separate_checks.
  Freedom freedom;
  std::atomic<uint32_t> runs = 0;
};

Pair& pair_of(TranslatedBlock& block) { return static_cast<Pair&>(block); }
const Pair& pair_of(const TranslatedBlock& block) { return static_cast<const Pair&>(block); }

class LockstepBackend final : public Backend {
 public:
  LockstepBackend(const BackendConfig& config, LockstepConfig lockstep,
                  std::unique_ptr<Backend> reference, std::unique_ptr<Backend> subject)
      : config_(config),
        lockstep_(std::move(lockstep)),
        reference_(std::move(reference)),
        subject_(std::move(subject)) {}

  ~LockstepBackend() override {
    util::warn(fmt::format(
        "lock-step: {} runs of blocks compared {}; {} of them had results of helpers or devices "
        "replayed; not compared: {} runs of blocks that are often run, {} with undefined results",
        compared_.load(), failed_ ? "up to a difference" : "without a difference", replayed_.load(),
        alone_.load(), left_out_.load()));
  }

  util::Result<TranslatedBlock*> compile(const Block& block, const CodePage& page,
                                         const CodePage* second) override {
    auto reference = reference_->compile(block, page, second);
    if (!reference) return reference;
    auto subject = subject_->compile(block, page, second);
    if (!subject) return subject;
    separate_ = block;
    separate_.separate_checks = true;
    auto separate = subject_->compile(separate_, page, second);
    if (!separate) return separate;
    Pair& pair = pairs_.emplace_back();
    static_cast<TranslatedBlock&>(pair) = **subject;
    pair.reference = *reference;
    pair.subject = *subject;
    pair.separate = *separate;
    pair.freedom = lockstep::find_freedom(block);
    statistics_ = subject_->statistics();
    return &pair;
  }

  const void* checked_entry(TranslatedBlock*) override { return nullptr; }

  void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last, unsigned*) override {
    *last = nullptr;
    if (frame->is_kicked()) {
      frame->exit_reason = static_cast<uint16_t>(ExitReason::kPoll);
      return;
    }
    run_pair(frame, pair_of(*block));
    frame->left_from = reinterpret_cast<uint64_t>(block);
  }

  const TranslatedBlock* left_block(const Frame& frame) const override {
    return reinterpret_cast<const TranslatedBlock*>(frame.left_from);
  }

  // Blocks are always left by their ends: there is nothing to link.
  void link(TranslatedBlock*, unsigned, TranslatedBlock*) override {}

  void invalidate(TranslatedBlock* block) override {
    __atomic_store_n(&block->valid, false, __ATOMIC_RELEASE);
    reference_->invalidate(pair_of(*block).reference);
    subject_->invalidate(pair_of(*block).subject);
    subject_->invalidate(pair_of(*block).separate);
  }

  void flush() override {
    pairs_.clear();
    reference_->flush();
    subject_->flush();
  }

  size_t code_bytes_used() const override {
    return reference_->code_bytes_used() + subject_->code_bytes_used();
  }
  size_t code_bytes_total() const override {
    return reference_->code_bytes_total() + subject_->code_bytes_total();
  }
  std::span<const std::byte> host_code(const TranslatedBlock& block) const override {
    return subject_->host_code(*pair_of(block).subject);
  }
  std::vector<CodeMark> code_marks(const TranslatedBlock& block) const override {
    return subject_->code_marks(*pair_of(block).subject);
  }

 private:
  bool is_due(Pair& pair) const {
    const uint32_t runs = pair.runs.fetch_add(1, std::memory_order_relaxed);
    return runs < lockstep_.always || runs % lockstep_.then_once_in == 0 || failed_;
  }

  Session& session_of(Frame* frame) {
    const std::lock_guard lock(mutex_);
    auto& session = sessions_[frame];
    if (!session)
      session =
          std::make_unique<Session>(config_, lockstep_.state_bytes, lockstep_.asynchronous_byte);
    return *session;
  }

  void run_pair(Frame* frame, Pair& pair) {
    Session& session = session_of(frame);
    const SessionScope scope(&session);
    TranslatedBlock* unused;
    unsigned unused_slot = 0;
    if (!is_due(pair)) {
      session.begin_alone(frame);
      subject_->run(frame, pair.separate, &unused, &unused_slot);
      ++alone_;
      return;
    }
    session.begin_reference(frame, pair.freedom);
    reference_->run(frame, pair.reference, &unused, &unused_slot);
    session.end_reference();
    if (pair.freedom.is_unpredictable || failed_) {
      ++left_out_;
      return;
    }
    run_subject(frame, pair, session);
    const std::string difference = session.end_subject();
    ++compared_;
    if (session.was_replayed()) ++replayed_;
    if (!difference.empty()) report(frame, pair, session, difference);
  }

  // A kick would make the subject leave before it begins: it is put off. Where each access has to
  // be seen, it checks each; so it does if a check that several share has failed.
  void run_subject(Frame* frame, const Pair& pair, Session& session) {
    bool was_kicked = false;
    bool check_failed = false;
    do {
      was_kicked = was_kicked || frame->is_kicked();
      frame->unkick();
      session.begin_subject();
      TranslatedBlock* last;
      unsigned slot = 0;
      const bool separate = check_failed || session.replays();
      subject_->run(frame, separate ? pair.separate : pair.subject, &last, &slot);
      check_failed = last != nullptr && slot == kSeparateChecksSlot;
    } while (check_failed || (frame->exit_reason == static_cast<uint16_t>(ExitReason::kPoll) &&
                              frame->is_kicked()));
    if (was_kicked) frame->kick();
  }

  void report(Frame* frame, const Pair& pair, Session& session, const std::string& difference) {
    if (failed_.exchange(true) || !lockstep_.report) return;
    const uint16_t exit_reason = frame->exit_reason;
    session.put_before();
    lockstep_.report(frame, pair, difference);
    session.put_after();
    frame->exit_reason = exit_reason;
  }

  const BackendConfig config_;
  const LockstepConfig lockstep_;
  std::unique_ptr<Backend> reference_, subject_;
  std::deque<Pair> pairs_;
  Block separate_;
  std::mutex mutex_;
  std::map<Frame*, std::unique_ptr<Session>> sessions_;
  std::atomic<uint64_t> compared_ = 0, replayed_ = 0, left_out_ = 0, alone_ = 0;
  std::atomic<bool> failed_ = false;
};

}  // namespace

util::Result<std::unique_ptr<Backend>> make_lockstep_backend(const BackendConfig& config,
                                                             LockstepConfig lockstep) {
  if (config.helpers.size() > lockstep::kMaximumHelpers) {
    return util::Error(util::ErrorCode::kUnsupported, "too many helpers for a lock-step");
  }
  BackendConfig watched = config;
  watched.hooks = Session::hooks();
  watched.helpers = Session::helpers(config.helpers.size());
  watched.link_blocks = false;
  auto reference = lockstep.reference(watched);
  if (!reference) return reference;
  auto subject = lockstep.subject(watched);
  if (!subject) return subject;
  return std::unique_ptr<Backend>(std::make_unique<LockstepBackend>(
      config, std::move(lockstep), std::move(*reference), std::move(*subject)));
}

}  // namespace vireo::tcg
