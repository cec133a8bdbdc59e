#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vireo::core {

class AddressSpace;
class RamBlock;

/// The receiver of accesses to an I/O region. Runs under the machine lock. `width` is 1, 2, 4 or 8
/// bytes, values are little-endian, right-aligned and zero-extended.
class IoHandler {
 public:
  virtual ~IoHandler() = default;
  virtual uint64_t io_read(uint64_t offset, unsigned width) = 0;
  virtual void io_write(uint64_t offset, unsigned width, uint64_t value) = 0;
};

/// What widths a region takes. Accesses wider than `implemented_max` reach the handler in pieces,
/// lowest address first. Narrower than `implemented_min`: reads are taken out of one aligned read,
/// writes become one aligned write with the other bytes zero. Narrower or wider than valid: reads
/// are all ones, writes are dropped.
struct IoWidths {
  uint8_t valid_min = 1;
  uint8_t valid_max = 8;
  uint8_t implemented_min = 1;
  uint8_t implemented_max = 4;
  /// Whether the handler takes accesses at offsets that are no multiple of their width; otherwise
  /// they are split.
  bool unaligned = false;
};

/// A node of the tree that describes an address space. Regions are members of devices (or on the
/// heap), do not move, and leave the tree when destroyed. Changes need the machine lock and take
/// effect at once, or together at the end of the outermost TopologyTransaction.
class Region {
 public:
  static constexpr uint64_t kWholeSpace = ~uint64_t{0};

  /// Holds other regions; what none of them covers shows what is below it.
  static Region container(std::string name, uint64_t size = kWholeSpace);
  /// Plain RAM: `size` bytes of `block` from `offset`, both page multiples.
  static Region ram(std::string name, RamBlock& block, uint64_t offset, uint64_t size);
  /// Reads see the block; writes go to `writes`, or nowhere.
  static Region rom(std::string name, RamBlock& block, uint64_t offset, uint64_t size,
                    IoHandler* writes = nullptr);
  static Region io(std::string name, uint64_t size, IoHandler& handler, IoWidths widths = {});
  /// A window on `size` bytes of `target` from `offset`. `target` has to outlive its place here.
  static Region alias(std::string name, Region& target, uint64_t offset, uint64_t size);

  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  bool enabled() const { return enabled_; }
  Region* parent() const { return parent_; }
  /// Offset in the parent.
  uint64_t offset() const { return offset_; }

  bool is_ram() const { return kind_ == Kind::ram; }
  bool is_rom() const { return kind_ == Kind::rom; }
  /// RAM and ROM only, else null: the block and the offset of this region's first byte in it.
  RamBlock* block() const { return block_; }
  uint64_t block_offset() const { return target_offset_; }

  /// Shows `child` from `offset`; where siblings overlap, the higher priority wins, then the one
  /// added last.
  void add_subregion(Region& child, uint64_t offset, int priority = 0);
  void remove_subregion(Region& child);
  void set_enabled(bool enabled);
  /// Moves the region in its parent.
  void set_offset(uint64_t offset);
  /// Resizes (a BAR, a VGA window).
  void set_size(uint64_t size);
  /// Aliases only: where the window starts in its target.
  void set_alias_offset(uint64_t offset);
  /// A region that does not take reads (or writes) lets them through to what is below it. With both
  /// off it is the same as disabled. PAM's "read ROM, write RAM" is a RAM alias with reads off.
  void set_access(bool reads, bool writes);

  /// Reads or writes an I/O region (or a ROM's write handler), splitting as its IoWidths say.
  /// `width` is 1 to 8. Takes the machine lock if needed. What
  /// reaches beyond the region is not answered (address spaces cut accesses at its end).
  uint64_t dispatch_read(uint64_t offset, unsigned width);
  void dispatch_write(uint64_t offset, unsigned width, uint64_t value);

 private:
  friend class AddressSpace;
  friend class FlatViewBuilder;
  enum class Kind : uint8_t { container, ram, rom, io, alias };
  Region(Kind kind, std::string name, uint64_t size, RamBlock* block = nullptr, uint64_t offset = 0,
         IoHandler* handler = nullptr, IoWidths widths = {});
  Region(std::string name, Region& target, uint64_t offset, uint64_t size);
  void changed();
  void mark_spaces();
  void forget_space(AddressSpace& space);
  bool accepts(uint64_t offset, unsigned width, const char* what) const;
  unsigned piece_width(uint64_t offset, unsigned rest) const;
  uint64_t read_piece(uint64_t offset, unsigned width);
  void write_piece(uint64_t offset, unsigned width, uint64_t value);

  Kind kind_;
  bool enabled_ = true;
  bool takes_reads_ = true;
  bool takes_writes_ = true;
  IoWidths widths_;
  int priority_ = 0;
  std::string name_;
  uint64_t size_;
  uint64_t offset_ = 0;
  uint64_t target_offset_ = 0;  // in block_ or target_
  RamBlock* block_ = nullptr;
  IoHandler* handler_ = nullptr;
  Region* target_ = nullptr;
  Region* parent_ = nullptr;
  std::vector<Region*> children_;      // highest priority first
  std::vector<Region*> aliases_;       // regions whose target_ is this
  std::vector<AddressSpace*> spaces_;  // spaces whose root is this
};

/// Collects topology changes: address spaces are rebuilt once, when the outermost transaction of
/// the thread ends.
class [[nodiscard]] TopologyTransaction {
 public:
  TopologyTransaction();
  ~TopologyTransaction();
  TopologyTransaction(const TopologyTransaction&) = delete;
  TopologyTransaction& operator=(const TopologyTransaction&) = delete;
};

}  // namespace vireo::core
