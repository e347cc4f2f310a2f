/*
 * The digest of a directory tree as its inodes describe it. wasbox keeps the digest of a set of
 * packages that it installed, and compares it at each start (src/resolve/packages.ts). Used by the
 * addon, the engine and the native command; free of any libc.
 */
#ifndef WASBOX_TREE_DIGEST_H
#define WASBOX_TREE_DIGEST_H

#ifdef __cplusplus
extern "C" {
#endif

#define WB_TREE_DIGEST_LENGTH 16

/*
 * Writes the digest of everything below a directory as hexadecimal digits, without a NUL. It covers
 * the path, the type and mode, the size and the time of change of each file and link, and the path
 * and mode of each directory. Contents are not read: the digest finds accidents, not an attacker
 * who can write to the tree. Returns 0, or a negative errno where something cannot be read; -ELOOP
 * where directories are too deep.
 */
int wb_tree_digest(const char *path, char digest[WB_TREE_DIGEST_LENGTH]);

#ifdef __cplusplus
}
#endif

#endif
