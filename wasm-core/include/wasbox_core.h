/*
 * The whole ABI of wasbox-core.wasm: what src/core/ may call and how the bytes lie. Its layout is
 * read by build.mjs, which writes src/core/layout.generated.ts from it; so every structure here
 * consists of uint32_t words only, and every enumeration counts up from 0 without gaps.
 *
 * One call, one arena: the caller calls wb_reset, puts its input into memory from wb_buffer, calls
 * one function, and copies the result out before the next wb_reset. Texts are UTF-8 and come as
 * address and length; wasbox_core makes no prose, only codes, numbers and places in the sources.
 * A 64-bit value is two words, the low one first.
 */
#ifndef WASBOX_CORE_H
#define WASBOX_CORE_H

#include <stdint.h>

/* Raised with every change of a function, structure or enumeration in this file. */
#define WB_ABI_VERSION 5

/* Bounds, so that hostile input ends in a diagnostic. */
#define WB_MAX_SOURCE 1048576 /* bytes of one policy file */
#define WB_MAX_DIAGNOSTICS 64
#define WB_MAX_INSTRUCTIONS 4096 /* BPF_MAXINSNS */

enum wb_code {
  WB_OK,
  /* errors */
  WB_E_CHARACTER,     /* a character that begins no token */
  WB_E_UTF8,          /* bytes that are not UTF-8 */
  WB_E_STRING,        /* a string that does not end on its line */
  WB_E_NUMBER,        /* malformed, or more than 64 bits */
  WB_E_EXPECTED,      /* number: enum wb_expected */
  WB_E_STATEMENT,     /* no statement begins with this word */
  WB_E_OR,            /* conditions are joined by `and` only */
  WB_E_DEEP,          /* parentheses nested too deeply */
  WB_E_TOO_LARGE,     /* number: enum wb_limit */
  WB_E_INCLUDE,       /* no such file */
  WB_E_INCLUDE_CYCLE, /* the file includes itself */
  WB_E_INCLUDE_DEPTH,
  WB_E_DUPLICATE, /* target, kernel, default, unknown or foreign said twice; related: the first */
  WB_E_ACTION,    /* no such action */
  WB_E_ACTION_VALUE, /* the action takes no value, or needs one */
  WB_E_FOREIGN,      /* a foreign architecture may only be refused */
  WB_E_ERRNO_RANGE,  /* the kernel passes errno 0 to 4095 */
  WB_E_TRACE_RANGE,  /* trace carries 16 bits */
  WB_E_ARCH,         /* no such architecture */
  WB_E_ENDIAN,       /* targets of both byte orders in one filter */
  WB_E_KERNEL,       /* the kernel asked for is older than the policy says */
  WB_E_SYSCALL,      /* no such system call on any architecture */
  WB_E_GROUP,
  WB_E_GROUP_DUPLICATE,
  WB_E_NO_CALLS,       /* a rule without system calls */
  WB_E_ARGUMENT,       /* the call has no argument of that name; detail: the call */
  WB_E_ARGUMENT_INDEX, /* the call has fewer arguments; number: how many */
  WB_E_POINTER,        /* what a pointer points to cannot be inspected; detail: the call */
  WB_E_CONSTANT,       /* no such constant; detail: the architecture */
  WB_E_WIDTH,          /* the value does not fit the argument; number: its bits */
  WB_E_RANGE,          /* a range whose end lies before its start */
  WB_E_PROGRAM_SIZE,   /* more than WB_MAX_INSTRUCTIONS; number: how many; one for each of the
                          costliest rules follows as WB_E_RULE_COST */
  WB_E_RULE_COST,      /* number: instructions that this rule needs by itself */
  WB_E_COMPLEX,        /* the conditions are too entangled to be compiled and proved */
  WB_E_INTERNAL,       /* program and policy differ: a bug in wasbox, see wb_result.witness */
  /* warnings */
  WB_W_SHADOWED,      /* the rule can never match; related: the rule above it */
  WB_W_EMPTY,         /* the policy has no rules */
  WB_W_NO_TARGET,     /* no target has the call */
  WB_W_NEVER,         /* the condition can never hold */
  WB_W_ALWAYS,        /* the condition always holds */
  WB_W_POINTER,       /* compares an address, not what it points to */
  WB_W_NOTIFY,        /* a notification is not a security boundary by itself */
  WB_W_SIBLING,       /* detail: the call or constant that does the same by another way */
  WB_W_IO_URING,      /* io_uring carries out calls that the filter never sees */
  WB_W_CLONE3,        /* clone3 makes what the rule on clone refuses */
  WB_W_PTRACE,        /* kernels before 4.8 let ptrace change a call after the filter */
  WB_W_ACTION_KERNEL, /* number: first kernel with this action, major << 8 | minor */
  WB_W_MULTIPLEXER,   /* socketcall or ipc reaches the call without its arguments; detail: it */
  WB_W_X32,           /* x32 is a target */
  WB_W_WIDE,          /* refuses one value of an argument by all its 64 bits */
  WB_W_UNENFORCEABLE, /* recent kernels run the call whatever the filter says */
  WB_CODE_COUNT
};

/* The tokens that the parser would have liked to see. */
enum wb_expected {
  WB_EXPECTED_STATEMENT_END,
  WB_EXPECTED_ARCH,
  WB_EXPECTED_VERSION,
  WB_EXPECTED_ACTION,
  WB_EXPECTED_FILE,
  WB_EXPECTED_GROUP,
  WB_EXPECTED_NAME,
  WB_EXPECTED_ARGUMENT,
  WB_EXPECTED_COMPARISON,
  WB_EXPECTED_VALUE,
  WB_EXPECTED_CLOSE_PAREN,
  WB_EXPECTED_CLOSE_BRACKET,
  WB_EXPECTED_TYPE,
  WB_EXPECTED_EQUALS,
  WB_EXPECTED_KERNEL
};

enum wb_limit {
  WB_LIMIT_SOURCE,    /* WB_MAX_SOURCE */
  WB_LIMIT_RULES,     /* rules, names, values or conditions of a policy */
  WB_LIMIT_EXPANSION, /* rules times calls times targets */
  WB_LIMIT_INCLUDES
};

/* An action as the kernel knows it, by rising permission. */
enum wb_action {
  WB_ACTION_KILL_PROCESS,
  WB_ACTION_KILL_THREAD,
  WB_ACTION_TRAP,
  WB_ACTION_ERRNO,
  WB_ACTION_NOTIFY,
  WB_ACTION_TRACE,
  WB_ACTION_LOG,
  WB_ACTION_ALLOW
};

/* The reason for a decision on a call, where no rule did. */
#define WB_DECIDED_BY_DEFAULT 0xffffffff
#define WB_DECIDED_BY_UNKNOWN 0xfffffffe
#define WB_DECIDED_BY_FOREIGN 0xfffffffd

/* A policy to compile. */
struct wb_request {
  uint32_t name, name_size;       /* of the main file, for includes that come back to it */
  uint32_t text, text_size;       /* the policy */
  uint32_t weights, weights_size; /* lines of `count call`; none: the measured ones */
  uint32_t targets;               /* bits 1 << enum wb_arch; 0: those that the policy names */
  uint32_t kernel;                /* major << 8 | minor; 0: as the policy says */
  uint32_t events, event_count;   /* struct wb_event, for wb_explain */
};

/* One place in a source; file is an index into wb_result.files, offsets are bytes. */
struct wb_place {
  uint32_t file, start, end;
};

struct wb_diagnostic {
  uint32_t code; /* enum wb_code; warnings from WB_W_SHADOWED on */
  uint32_t file, start, end;
  uint32_t has_related;
  uint32_t related_file, related_start, related_end;
  uint32_t number;
  uint32_t detail, detail_size;
  uint32_t suggestion, suggestion_size;
};

/* A source file; its text is the caller's or in memory at `text`. */
struct wb_file {
  uint32_t name, name_size;
  uint32_t text, text_size;
};

struct wb_rule_info {
  uint32_t file, start, end;
  uint32_t action; /* value for the first target as the filter returns it */
};

struct wb_result {
  uint32_t ok; /* 1: there is a program */
  uint32_t diagnostics, diagnostic_count;
  uint32_t files, file_count;
  uint32_t program, program_count; /* struct sock_filter, byte order of the target */
  uint32_t big_endian;
  uint32_t origins;           /* for each instruction a rule or WB_DECIDED_BY_* */
  uint32_t rules, rule_count; /* struct wb_rule_info */
  uint32_t targets;           /* bits 1 << enum wb_arch */
  uint32_t kernel;            /* major << 8 | minor, 0: any */
  uint32_t default_action, unknown_action;
  /* The figures of the first target; every argument 0. Means are thousandths of an instruction. */
  uint32_t mean_milli, weighted_milli, worst, cacheable, known;
  uint32_t witness[16];               /* with WB_E_INTERNAL: arch, nr, arguments, got, wanted */
  uint32_t decisions, decision_count; /* struct wb_decision, from wb_explain */
  uint32_t widths, width_count;       /* struct wb_width_in_force */
  uint32_t foreign_action;
  /* Weighted as weighted_milli, of the calls that a kernel from 5.11 on runs the filter for. */
  uint32_t filtered_milli;
};

/* An argument that rules compare. */
struct wb_width_in_force {
  uint32_t arch, number, argument; /* enum wb_arch; without nr_base; position */
  uint32_t narrow, wide; /* 1: in wb_argument.command_bits, in wb_argument.bits, for some rule */
};

/* A call to be judged. */
struct wb_event {
  uint32_t arch; /* AUDIT_ARCH_* */
  uint32_t nr;
  uint32_t args[12]; /* six values, low word first */
};

struct wb_decision {
  uint32_t action;   /* what the program returns */
  uint32_t rule;     /* the rule that says so, or WB_DECIDED_BY_* */
  uint32_t executed; /* instructions */
  uint32_t path;     /* uint32_t program counters, `executed` of them */
};

/* A call that two policies judge differently, an example of its kind. */
struct wb_difference {
  uint32_t arch;            /* AUDIT_ARCH_* */
  uint32_t nr_low, nr_high; /* all these numbers are judged alike */
  uint32_t args[12];        /* six values, low word first */
  uint32_t first, second;   /* actions */
  uint32_t by_arguments;    /* 1: only for some arguments, of which `args` is an example */
};

struct wb_comparison {
  uint32_t first, second; /* struct wb_result; one that is not ok ends the comparison */
  uint32_t differences, difference_count;
};

/* How a program ended, see wb_simulate. */
enum wb_run_status {
  WB_RUN_RETURNED,
  WB_RUN_INVALID /* an instruction that seccomp(2) would not load */
};

struct wb_run {
  uint32_t status;
  uint32_t action;
  uint32_t executed;
  uint32_t path;
  uint32_t bad_instruction; /* with WB_RUN_INVALID */
};

/* One instruction, decoded for a disassembler. */
enum wb_insn_kind {
  WB_INSN_INVALID,
  WB_INSN_LOAD,      /* A = word of seccomp_data at k */
  WB_INSN_LOAD_IMM,  /* A = k */
  WB_INSN_LOADX_IMM, /* X = k */
  WB_INSN_LOAD_LEN,  /* A = size of seccomp_data */
  WB_INSN_LOADX_LEN,
  WB_INSN_LOAD_MEM,
  WB_INSN_LOADX_MEM,
  WB_INSN_STORE,
  WB_INSN_STOREX,
  WB_INSN_TAX,
  WB_INSN_TXA,
  WB_INSN_ADD,
  WB_INSN_SUB,
  WB_INSN_MUL,
  WB_INSN_DIV,
  WB_INSN_AND,
  WB_INSN_OR,
  WB_INSN_XOR,
  WB_INSN_LSH,
  WB_INSN_RSH,
  WB_INSN_NEG,
  WB_INSN_JUMP,
  WB_INSN_JEQ,
  WB_INSN_JGT,
  WB_INSN_JGE,
  WB_INSN_JSET,
  WB_INSN_RETURN,
  WB_INSN_RETURN_A
};

struct wb_insn {
  uint32_t kind;
  uint32_t uses_x; /* the operand is X, not k */
  uint32_t k;
  uint32_t yes, no;  /* targets as absolute positions; 0 where there is no jump */
  uint32_t labelled; /* something jumps here */
};

struct wb_listing {
  uint32_t valid; /* 1: the kernel would load it */
  uint32_t bad_instruction;
  uint32_t insns, insn_count; /* struct wb_insn */
};

/* Says what a name of the tables means. */
struct wb_arch_entry {
  uint32_t name, name_size;
  uint32_t audit, nr_base, bits, big_endian;
};

struct wb_name {
  uint32_t name, name_size;
};

/* How an argument is compared. A pointer cannot be inspected. */
enum wb_argument_type {
  WB_ARGUMENT_INT,
  WB_ARGUMENT_UINT,
  WB_ARGUMENT_LONG,
  WB_ARGUMENT_ULONG,
  WB_ARGUMENT_S64,
  WB_ARGUMENT_U64,
  WB_ARGUMENT_POINTER
};

struct wb_argument {
  uint32_t name, name_size;
  uint32_t alias, alias_size; /* another name that is accepted, or 0 */
  uint32_t type;              /* enum wb_argument_type */
  uint32_t bits;              /* low bits that the kernel reads */
  uint32_t constants;         /* 1 + the set of constants that belong here, or 0 */
  /* Where the kernel reads less for some commands, which another argument has: that argument plus
   * one (0: nowhere), the bits, and pairs of first and last command. */
  uint32_t selector, command_bits, commands, command_count;
};

/* The findings that an importer or exporter has to say. */
enum wb_note_kind {
  /* errors: no text comes out */
  WB_NOTE_JSON,          /* not JSON; start: where */
  WB_NOTE_SHAPE,         /* JSON of another shape; detail: the member that is wrong */
  WB_NOTE_ACTION,        /* no such action; detail: it */
  WB_NOTE_ERRNO,         /* an errno that is none */
  WB_NOTE_OPERATOR,      /* no such operator; detail: it */
  WB_NOTE_INDEX,         /* an argument's index above 5 */
  WB_NOTE_VALUE,         /* a value that is not a 64-bit integer */
  WB_NOTE_ARCHITECTURE,  /* no target of the tables is left */
  WB_NOTE_INEXPRESSIBLE, /* export: the format cannot say this; detail: the call */
  WB_NOTE_OVERLAP,       /* two rules match a call and judge it differently; detail: the call */
  /* remarks */
  WB_NOTE_UNKNOWN_CALL, /* a call that the tables do not know was left out; detail: it */
  WB_NOTE_UNKNOWN_ARCH, /* an architecture was left out; detail: it */
  WB_NOTE_LIKE_DEFAULT, /* a rule that says what the default says was left out, as runc does */
  WB_NOTE_NEVER,        /* a rule was left out whose condition the kernel's types never meet */
  WB_NOTE_SPLIT, /* conditions on one argument, of which any one suffices, as runc reads it */
  WB_NOTE_UNKNOWN_DEFAULT /* export: calls newer than the tables get the default */
};

/* Formats of wb_import and wb_export. */
enum wb_format { WB_FORMAT_OCI };

struct wb_import_request {
  uint32_t format;          /* enum wb_format */
  uint32_t text, text_size; /* up to WB_MAX_SOURCE */
  uint32_t targets;         /* bits 1 << enum wb_arch; 0: x86_64 and what the profile adds to it */
  uint32_t caps[2];         /* capabilities that the payload has, bit 1 << CAP_*; low word first */
};

struct wb_conversion_note {
  uint32_t kind;       /* enum wb_note_kind; remarks from WB_NOTE_UNKNOWN_CALL on */
  uint32_t start, end; /* bytes of the input */
  uint32_t detail, detail_size;
  uint32_t has_other, other_start, other_end; /* the rule that it conflicts with */
};

/* Text that an importer or exporter makes. */
struct wb_converted {
  uint32_t ok;
  uint32_t text, text_size;
  uint32_t notes, note_count; /* struct wb_conversion_note */
};

/* The functions exist in the module; native programs, such as tests, use the stages. */
#ifdef __wasm__
#define WB_EXPORT(name) __attribute__((export_name(#name)))

/* WB_ABI_VERSION of the module. */
uint32_t wb_abi_version(void) WB_EXPORT(wb_abi_version);
/* Frees everything that earlier calls gave out. */
void wb_reset(void) WB_EXPORT(wb_reset);
/* `size` bytes for input, aligned to 8; valid until wb_reset. */
void *wb_buffer(uint32_t size) WB_EXPORT(wb_buffer);
/* Compiles and proves a policy. Never NULL. */
struct wb_result *wb_compile(const struct wb_request *request) WB_EXPORT(wb_compile);
/* Does what wb_compile does, then judges the request's events with the program and with the
 * policy. */
struct wb_result *wb_explain(const struct wb_request *request) WB_EXPORT(wb_explain);
/* Compiles two policies for the same targets and says for every call whether they differ. */
struct wb_comparison *wb_compare(const struct wb_request *first, const struct wb_request *second)
    WB_EXPORT(wb_compare);
/* Runs any program on one event. */
struct wb_run *wb_simulate(const uint8_t *program, uint32_t size, uint32_t big_endian,
                           const struct wb_event *event) WB_EXPORT(wb_simulate);
/* Decodes any bytes; an odd length or an illegal instruction makes `valid` 0. */
struct wb_listing *wb_decode(const uint8_t *program, uint32_t size, uint32_t big_endian)
    WB_EXPORT(wb_decode);
/* NULL past the last architecture. */
struct wb_arch_entry *wb_arch_entry(uint32_t arch) WB_EXPORT(wb_arch_entry);
/* Name of a call by number (without nr_base), or NULL. */
struct wb_name *wb_name_of_call(uint32_t arch, uint32_t number) WB_EXPORT(wb_name_of_call);
/* Number of a call by name on an architecture (without nr_base), or -1. */
int32_t wb_number_of_call(uint32_t arch, const char *name, uint32_t size)
    WB_EXPORT(wb_number_of_call);
/* First number above the table (without nr_base). */
uint32_t wb_number_limit(uint32_t arch) WB_EXPORT(wb_number_limit);
/* Version of the kernel headers that the tables come from. */
struct wb_name *wb_tables(void) WB_EXPORT(wb_tables);
/* The argument at `index` of a call, or NULL. */
struct wb_argument *wb_argument_of_call(uint32_t arch, uint32_t number, uint32_t index)
    WB_EXPORT(wb_argument_of_call);
/* Name of a set of constants, or NULL past the last; and of its members, one at a time. Not every
 * architecture has each of them. */
struct wb_name *wb_name_of_set(uint32_t set) WB_EXPORT(wb_name_of_set);
struct wb_name *wb_name_of_constant(uint32_t set, uint32_t index) WB_EXPORT(wb_name_of_constant);
/* Value of a symbolic constant: two words, or NULL. */
uint32_t *wb_value_of_constant(uint32_t arch, const char *name, uint32_t size)
    WB_EXPORT(wb_value_of_constant);
/* Name of a group without its `@`, or NULL past the last; and its members, one at a time. */
struct wb_name *wb_name_of_group(uint32_t group) WB_EXPORT(wb_name_of_group);
struct wb_name *wb_name_of_member(uint32_t group, uint32_t index) WB_EXPORT(wb_name_of_member);
/* Another tool's policy in wasbox's language. Never NULL. */
struct wb_converted *wb_import(const struct wb_import_request *request) WB_EXPORT(wb_import);
/* A policy as an OCI profile; where it has errors, `ok` is 0 and there are no notes. Never NULL. */
struct wb_converted *wb_export(const struct wb_request *request, uint32_t format)
    WB_EXPORT(wb_export);
#endif

#endif
