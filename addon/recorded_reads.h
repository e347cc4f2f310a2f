/*
 * The questions that resolving asked the host, with the answers, as src/plan/read-table.ts writes
 * them: in the entries of the native command (fastpath/entry.h), and in the memory of a program
 * that makes many equal runs. src/plan/recorded-reads.generated.ts is generated from it by
 * addon/wire.mjs.
 *
 * All numbers are host-endian. Offsets count from the first byte of what the reads stand in; offset
 * 0 means none.
 */
#ifndef WASBOX_RECORDED_READS_H
#define WASBOX_RECORDED_READS_H

#include <stdint.h>

#define WB_RECORDED_READS_MAX 4096

#define WB_RECORDED_ENV 1
#define WB_RECORDED_CWD 2
#define WB_RECORDED_LSTAT 3
#define WB_RECORDED_STAT 4
#define WB_RECORDED_READLINK 5
#define WB_RECORDED_REALPATH 6
#define WB_RECORDED_READ 7
#define WB_RECORDED_LIST 8
#define WB_RECORDED_ACCESS 9
#define WB_RECORDED_MOUNTS 10
#define WB_RECORDED_STREAM 11
#define WB_RECORDED_LANDLOCK 12
#define WB_RECORDED_NAMESPACES 13
#define WB_RECORDED_TREE 14

struct wb_recorded_read {
  uint32_t kind;
  uint32_t subject; /* string: a variable, a path, or a device or type as mountinfo writes it */
  uint32_t present; /* 0: absent, refused, unset */
  uint32_t answer;  /* bytes; a list has a 0 byte after each name */
  uint32_t answer_size;
  uint32_t limit; /* read: bytes asked for; access: mode bits of access(2); stream: its descriptor;
                     landlock: the version; namespaces: the errno of clone(2) */
  uint32_t mode;  /* lstat, stat: st_mode with its type; stream: stream_kind in cache_key.c */
  uint32_t uid;
  uint32_t gid;
  uint32_t reserved;
  uint64_t dev; /* as makedev(3) */
  uint64_t ino;
};

#endif
