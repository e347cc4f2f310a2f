/*
 * A start that was made once and can be made again without Node: what src/fastpath writes and the
 * native command reads, and what the native command hands to Node where a run has something to
 * tell. Same shape as wire.h; src/fastpath/entry.generated.ts is generated from it by
 * addon/wire.mjs.
 *
 * All numbers are host-endian. Offsets count from the first byte of the structure that they stand
 * in; offset 0 means none.
 */
#ifndef WASBOX_FASTPATH_ENTRY_H
#define WASBOX_FASTPATH_ENTRY_H

#include <stdint.h>

#include "../recorded_reads.h"

#define WB_ENTRY_MAGIC 0x59544e45
#define WB_ENTRY_VERSION 11
#define WB_ENTRY_MAX 1048576
/* An entry is used for a day: accounts may come from a directory on the network, where no file
 * tells of a change. */
#define WB_ENTRY_LIFETIME_S 86400

/* Facts about a start that the native command gathers, and Node only passes through. */
struct wb_cache_key {
  uint64_t place;  /* a hash of directories and kinds of descriptors: entry_name goes on from it */
  uint64_t build;  /* hash of the installed files' identities */
  uint64_t kernel; /* hash of its release and version */
  uint32_t uid;
  uint32_t gid;
};

struct wb_entry {
  uint32_t magic;
  uint32_t version;
  uint32_t size;
  uint32_t check;     /* FNV-1a, 32 bits wide, of everything behind this field, word by word */
  uint32_t cache_key; /* wb_cache_key */
  uint32_t argv;      /* the words behind `wasbox` that count, a 0 byte after each */
  uint32_t argv_size;
  uint32_t recorded_reads; /* wb_recorded_read[recorded_read_count] */
  uint32_t recorded_read_count;
  uint32_t plan; /* as in wire.h */
  uint32_t plan_size;
  uint32_t state;   /* string: the state directory */
  uint32_t runs;    /* string: the canonical path of the directory of runs in it */
  uint32_t workdir; /* string: what is shown copy-on-write */
  uint32_t home;    /* string: the host's directory of the home that is kept; 0: none is */
  uint32_t placed;  /* what init makes in the home: wb_placed of rundir.h */
  uint32_t placed_size;
  uint32_t record; /* text of the run's journal entry: wb_rundir_request of rundir.h */
  uint32_t record_size;
  uint32_t report_context; /* JSON for the report of how the run ended */
  uint32_t report_context_size;
  /* 1: words behind `argv` are the payload's arguments, which nothing in here has. */
  uint32_t open;
  uint32_t quiet;   /* 1: no summary is written */
  uint32_t discard; /* interrupted runs of others are to be looked for at the end */
  uint32_t note;    /* string that is said at the start; 0: none */
  /* Strings that are said at the end, each of a bit WB_LACKS_* of wire.h, the lowest first; or none
     of them. */
  uint32_t lacks;
  uint32_t lacks_size;
  /* The parts of a run without namespaces; else all 0. */
  uint32_t private_root; /* 1: the run works on a copy */
  uint32_t left_out;     /* wb_copy_request of working_copy.h */
  uint32_t left_out_size;
  /* The renames are pairs of strings: a place, and the directory below the run's that the payload
   * has for it. */
  uint32_t renames;
  uint32_t renames_size;
  uint64_t max_bytes; /* of the copy; 0: no limit */
  uint64_t max_files;
  uint64_t timeout_ns;
  uint64_t grace_ns;
  uint64_t made_s; /* seconds since the epoch */
};

/* A run that ended, for Node to tell and to keep, apply or drop its changes. */
#define WB_ENDED_MAGIC 0x53444e45

struct wb_ended_run {
  uint32_t magic;
  uint32_t version; /* WB_ENTRY_VERSION */
  uint32_t size;
  int32_t lock; /* descriptor that holds the run's lock */
  uint32_t id;  /* string */
  uint32_t state;
  uint32_t report_context;
  uint32_t report_context_size;
  uint32_t arguments; /* the payload's further words, a 0 byte after each */
  uint32_t arguments_size;
  uint32_t outcome;    /* wb_outcome of records.h, to the end */
  uint64_t started_ms; /* since the epoch */
};

#endif
