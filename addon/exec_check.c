/* See exec_check.h. Like a plan, it is refused whole where it is not understood in full. */
#include "exec_check.h"

static int inside(const struct wb_exec *exec, uint64_t offset) {
  return offset >= sizeof(struct wb_exec) && offset < exec->size;
}

/* Offsets of strings, and a 0 behind them. The last byte of the whole is 0, so each string ends. */
static int vector_valid(const struct wb_exec *exec, uint32_t offset, uint32_t count) {
  if (!inside(exec, offset) || offset % 8 != 0 || count >= WB_ARGS_MAX ||
      count + (uint64_t)1 > (exec->size - offset) / 8)
    return 0;
  const uint64_t *vector = (const uint64_t *)(const void *)((const char *)exec + offset);
  for (uint32_t i = 0; i < count; i++)
    if (!inside(exec, vector[i]))
      return 0;
  return vector[count] == 0;
}

int wb_exec_valid(const struct wb_exec *exec, uint64_t size) {
  if (size < sizeof(struct wb_exec) + 1 || size > WB_EXEC_MAX)
    return 0;
  if (exec->magic != WB_EXEC_MAGIC || exec->version != WB_WIRE_VERSION || exec->size != size ||
      ((const char *)exec)[size - 1] != 0)
    return 0;
  if (exec->kind > WB_EXEC_REMOVE_TREE || (exec->kind != WB_EXEC_PROGRAM && exec->terminal != 0))
    return 0;
  if (exec->kind != WB_EXEC_PROGRAM &&
      (exec->memory_bytes || exec->cpu_us || exec->file_bytes || exec->open_files))
    return 0;
  return exec->path_count > 0 && exec->path_count <= WB_EXEC_PATHS_MAX && exec->argc > 0 &&
         vector_valid(exec, exec->paths, exec->path_count) &&
         vector_valid(exec, exec->argv, exec->argc) && vector_valid(exec, exec->envp, exec->envc) &&
         (exec->cwd == 0 || inside(exec, exec->cwd));
}
