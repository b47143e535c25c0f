// SPDX-License-Identifier: Apache-2.0
//
// A handler that counts what a cache has handed out, and vetoes what it is told to.
#ifndef MXA_TESTS_FUZZ_COUNTING_NOTIFIER_H_
#define MXA_TESTS_FUZZ_COUNTING_NOTIFIER_H_

#include <atomic>
#include <cstdint>

#include "slab/notifier.h"

namespace mxa::fuzz {

class CountingNotifier final : public slab::Notifier {
 public:
  CountingNotifier() { chain_.Register(*this); }
  ~CountingNotifier() override { chain_.Unregister(*this); }

  slab::NotifierChain& chain() { return chain_; }
  int64_t objects() const { return objects_; }
  int64_t slabs() const { return slabs_; }
  uint64_t vetoes() const { return vetoes_; }
  // The `count` events after the next `let_pass`.
  void Veto(int let_pass, int count) {
    let_pass_ = let_pass;
    to_veto_ = count;
  }

  bool Agree(const slab::CacheEvent& event) override {
    if (let_pass_ > 0) {
      --let_pass_;
    } else if (to_veto_ > 0) {
      --to_veto_;
      ++vetoes_;
      return false;
    }
    Count(event, 1);
    return true;
  }
  void RollBack(const slab::CacheEvent& event) override { Count(event, -1); }
  void Notice(const slab::CacheEvent& event) override { Count(event, -1); }

 private:
  void Count(const slab::CacheEvent& event, int64_t by) {
    const bool is_object = event.kind == slab::CacheEventKind::kAllocate || event.kind == slab::CacheEventKind::kFree;
    (is_object ? objects_ : slabs_) += by;
  }

  slab::NotifierChain chain_;
  std::atomic<int64_t> objects_{0};
  std::atomic<int64_t> slabs_{0};
  std::atomic<int> let_pass_{0};
  std::atomic<int> to_veto_{0};
  std::atomic<uint64_t> vetoes_{0};
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_COUNTING_NOTIFIER_H_
