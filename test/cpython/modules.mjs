/**
 * The modules of CPython's own tests that are run, by what they ask of a system. A module with a reason ends otherwise
 * than outside in that isolation; one that ends alike all the same fails the harness, so that the reasons stay true.
 */

const sockets = 'with the network off a program can make no socket but a pair';
const unix = 'there are no UNIX sockets but pairs';
const readOnly =
  'removing a missing file of the read-only system fails with EROFS, not with ENOENT';

/** @type {Record<string, { namespaces?: string, landlock?: string }>} */
export const modules = {
  // Files
  test_file: {},
  test_fileio: {},
  test_filecmp: {},
  test_fileinput: {},
  test_glob: {},
  test_bufio: {},
  test_mmap: {},
  test_os: { landlock: sockets },
  test_posix: {},
  test_posixpath: {},
  test_genericpath: {},
  test_pathlib: { landlock: unix },
  test_shutil: {},
  test_stat: { landlock: unix },
  test_tempfile: {},
  test_unicode_file: {},
  // Processes, signals, threads
  test_subprocess: {},
  test_popen: {},
  test_fork1: {},
  test_wait3: {},
  test_wait4: {},
  test_signal: { landlock: sockets },
  test_threadsignals: {},
  test_threading: {},
  test_eintr: { landlock: sockets },
  test_faulthandler: {},
  test_resource: {
    namespaces: 'the size of a file is limited to that of the disk (--disk)',
    landlock: 'the same, and a program names itself to prlimit(2) by its number',
  },
  // Descriptors, sockets, terminals
  test_fcntl: {
    namespaces: 'the policy refuses F_NOTIFY, which watches directories',
    landlock: 'the same',
  },
  test_select: {},
  test_poll: {},
  test_epoll: { landlock: sockets },
  test_selectors: {},
  test_socketserver: { landlock: sockets },
  test_ssl: { landlock: sockets },
  test_ftplib: { landlock: sockets },
  test_httplib: { landlock: sockets },
  test_httpservers: { landlock: sockets },
  test_urllib2_localnet: { landlock: sockets },
  test_xmlrpc: { landlock: sockets },
  test_pty: {},
  test_tty: {},
  test_openpty: {},
  test_ioctl: {},
  // Archives, databases, the interpreter
  test_zipfile: {},
  test_zipapp: {},
  test_gzip: {},
  test_sqlite3: {},
  test_dbm: {},
  test_shelve: {},
  test_mailbox: {},
  test_pwd: {},
  test_platform: {},
  test_time: {},
  test_locale: {},
  test_cmd_line: {},
  test_import: { namespaces: readOnly },
  test_runpy: { namespaces: readOnly },
  test_logging: { landlock: sockets },
};
