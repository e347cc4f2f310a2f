"""A file system that ignores case, as macOS, Windows and exfat have it: ignore_case.py SOURCE TARGET.

Shows SOURCE at TARGET; a name finds the entry that differs from it in case only, which keeps its
spelling. Runs in the foreground until it is unmounted.
"""
import errno
import os
import sys

from fusepy import FUSE, FuseOSError, Operations, fuse_get_context


class IgnoreCase(Operations):
    def __init__(self, source):
        self.source = source

    def real(self, path):
        found = self.source
        for name in path.split("/"):
            if not name:
                continue
            try:
                same = [n for n in os.listdir(found) if n.lower() == name.lower()]
            except OSError:
                same = []
            found = os.path.join(found, same[0] if same else name)
        return found

    def __call__(self, op, path, *args):
        try:
            return super().__call__(op, path, *args)
        except OSError as error:
            raise FuseOSError(error.errno or errno.EIO)

    def getattr(self, path, fh=None):
        stat = os.lstat(self.real(path))
        keys = "st_atime st_ctime st_gid st_mode st_mtime st_nlink st_size st_uid".split()
        return {key: getattr(stat, key) for key in keys}

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(self.real(path))]

    def readlink(self, path):
        return os.readlink(self.real(path))

    def own(self, path):
        uid, gid, _ = fuse_get_context()
        os.chown(path, uid, gid, follow_symlinks=False)

    def symlink(self, target, source):
        path = self.real(target)
        os.symlink(source, path)
        self.own(path)

    def mkdir(self, path, mode):
        path = self.real(path)
        os.mkdir(path, mode)
        self.own(path)

    def rmdir(self, path):
        os.rmdir(self.real(path))

    def unlink(self, path):
        os.unlink(self.real(path))

    def rename(self, old, new):
        source, target = self.real(old), self.real(new)
        if os.path.lexists(target) and os.path.samefile(source, target):
            target = os.path.join(os.path.dirname(target), os.path.basename(new))
        os.rename(source, target)

    def chmod(self, path, mode):
        os.chmod(self.real(path), mode)

    def chown(self, path, uid, gid):
        os.chown(self.real(path), uid, gid, follow_symlinks=False)

    def utimens(self, path, times=None):
        os.utime(self.real(path), times, follow_symlinks=False)

    def open(self, path, flags):
        return os.open(self.real(path), flags)

    def create(self, path, mode, fi=None):
        path = self.real(path)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        self.own(path)
        return fd

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(self.real(path), length)

    def release(self, path, fh):
        os.close(fh)


FUSE(IgnoreCase(sys.argv[1]), sys.argv[2], foreground=True, nothreads=True, allow_other=True, default_permissions=True)
