// A wb_run in memory of its own: pages.h.
#ifndef WASBOX_RUN_PAGES_H
#define WASBOX_RUN_PAGES_H

#include <memory>

#include "../supervisor/pages.h"
#include "../supervisor/supervisor.h"

namespace wasbox {

  struct FreePages {
    void operator()(wb_run *run) const { wb_pages_free(run, sizeof *run); }
  };

  using RunPages = std::unique_ptr<wb_run, FreePages>;

  // All zeros; null with errno.
  inline RunPages NewRunPages() {
    return RunPages(static_cast<wb_run *>(wb_pages_new(sizeof(wb_run))));
  }

} // namespace wasbox

#endif
