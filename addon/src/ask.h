// The questions of a run, on their way to JavaScript and back.
#ifndef WASBOX_ASKING_H
#define WASBOX_ASKING_H

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "../supervisor/ask.h"

namespace wasbox {

  class Asking {
  public:
    ~Asking() {
      wb_asker_free(asker_);
    }

    // Takes {timeoutMs, files, network, calls, onQuestion}, or undefined: nothing is asked. False,
    // and a pending error, where it is neither. On Node's thread.
    bool Read(const Napi::Value &value);

    // NULL where nothing is asked.
    wb_asker *asker() const {
      return asker_;
    }
    uint64_t turned_away() const {
      return asker_ ? wb_asker_turned_away(asker_) : 0;
    }

    // answer(id, decision): on Node's thread.
    void Answer(const Napi::CallbackInfo &info);

    // Node is about to end: nothing is asked any more.
    void Abandon();

    // The run has ended. On any thread, once.
    void End();

    // Nothing answers any more: its descriptors and its memory. On Node's thread, after End().
    void Drop() {
      wb_asker_free(asker_);
      asker_ = nullptr;
    }

  private:
    static int Ask(void *context, const wb_question *question, const unsigned char *texts);
    static void Withdraw(void *context, uint64_t id, int late);
    // Calls onQuestion(id, bytes?) on Node's thread; false where it cannot.
    bool Tell(uint64_t id, std::vector<uint8_t> question, bool late);

    // Questions that Node has not heard of yet. A payload whose processes are killed while they
    // wait puts any number of them while Node is busy: beyond so many they are turned away.
    static constexpr unsigned kUnderWayMax = 256;
    std::shared_ptr<std::atomic<unsigned>> under_way_ = std::make_shared<std::atomic<unsigned>>(0);
    std::mutex mutex_;
    bool open_ = false;
    Napi::ThreadSafeFunction on_question_;
    wb_asker *asker_ = nullptr;
  };

} // namespace wasbox

#endif
