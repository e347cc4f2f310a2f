// Defines what the addon needs of a C++ runtime: it is linked with no library at all
// (libc_versions.cc). Exceptions are off; what would be one ends the process.
#include <stdlib.h>

#include <memory>
#include <new>
#include <string>

void *operator new(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory)
    abort();
  return memory;
}
void *operator new[](size_t size) {
  return operator new(size);
}
void operator delete(void *memory) noexcept {
  free(memory);
}
void operator delete[](void *memory) noexcept {
  free(memory);
}
void operator delete(void *memory, size_t) noexcept {
  free(memory);
}
void operator delete[](void *memory, size_t) noexcept {
  free(memory);
}

// libstdc++'s headers call these.
namespace std {
void __throw_length_error(const char *) {
  abort();
}
void __throw_logic_error(const char *) {
  abort();
}
void __throw_out_of_range(const char *) {
  abort();
}
void __throw_out_of_range_fmt(const char *, ...) {
  abort();
}
void __throw_bad_alloc() {
  abort();
}
void __throw_bad_array_new_length() {
  abort();
}
void __throw_bad_function_call() {
  abort();
}
void __throw_system_error(int) {
  abort();
}

// Called only for code that is compiled with type information.
bool _Sp_make_shared_tag::_S_eq(const type_info &) noexcept {
  return false;
}

// Declared as being in the library.
template class basic_string<char>;
} // namespace std

extern "C" {

[[noreturn]] void __cxa_pure_virtual() {
  abort();
}
}
