/** Compilers, version control, archives, text and data tools. */
import { type Program, shell } from './row.js';

const helloC = `#include <stdio.h>
#include <pthread.h>
static void *work(void *n) { *(int *)n += 1; return 0; }
int main(int c, char **v) { pthread_t t; int n = c; pthread_create(&t, 0, work, &n); pthread_join(t, 0); printf("%s %d\\n", c > 1 ? v[1] : "none", n); return 7; }
`;
const git = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_AUTHOR_DATE: '2024-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
  GIT_COMMITTER_DATE: '2024-01-01T00:00:00Z',
};
const tree = {
  'a.txt': 'alpha\nbeta\ngamma\n',
  'b.txt': 'alpha\ndelta\ngamma\n',
  'sub/c.txt': 'c\n',
  'sub/deep/d': 'd\n',
};
const tar = 'tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0';

export const tools: readonly Program[] = [
  shell('gcc', ['gcc', 'libc6-dev'], 'gcc -O2 -Wall -pthread -o hello hello.c; ./hello arg', {
    files: { 'hello.c': helloC },
    status: 7,
    prints: 'arg 3',
    writes: ['hello'],
  }),
  shell(
    'gcc -static and strip',
    ['gcc', 'binutils', 'libc6-dev'],
    'gcc -static -pthread -o hello hello.c; strip hello; nm hello 2>&1 | head -1; objdump -f hello | grep arch; ./hello',
    { files: { 'hello.c': helloC }, status: 7, prints: 'none 2', writes: ['hello'] },
  ),
  shell('g++', ['g++'], 'g++ -std=c++17 -O1 -pthread -o x x.cc; ./x', {
    files: {
      'x.cc':
        '#include <iostream>\n#include <map>\n#include <thread>\nint main() { std::map<std::string,int> m{{"k",1}}; std::thread([&]{ m["k"]++; }).join(); try { throw 5; } catch (int e) { std::cout << m["k"] + e << std::endl; } }\n',
    },
    prints: '7',
  }),
  shell('make -j', ['make', 'gcc'], 'make -j4 -s; ./prog; make -s clean; ls', {
    files: {
      Makefile:
        'OBJS = $(foreach n,1 2 3 4 5 6,f$(n).o)\nprog: main.o $(OBJS)\n\t$(CC) -o $@ $^\nf%.c:\n\techo "int f$*(void) { return $*; }" > $@\nclean:\n\trm -f *.o f*.c\n.SECONDARY:\n',
      'main.c':
        '#include <stdio.h>\nint f1(void), f2(void), f3(void), f4(void), f5(void), f6(void);\nint main(void) { printf("%d\\n", f1() + f2() + f3() + f4() + f5() + f6()); }\n',
    },
    prints: '21',
    writes: ['prog'],
  }),
  shell(
    'nasm: a static binary',
    ['nasm', 'binutils'],
    'nasm -f elf64 a.asm -o a.o; ld -o a a.o; ./a',
    {
      files: {
        'a.asm':
          'global _start\n_start: mov eax, 1\n mov edi, 1\n mov rsi, m\n mov edx, 6\n syscall\n mov eax, 60\n mov edi, 3\n syscall\nm: db "nolib", 10\n',
      },
      status: 3,
      prints: 'nolib',
    },
  ),
  shell(
    'git init, commit, log, branch, merge',
    ['git'],
    `git init -q -b main .; git add .; git commit -q -m one; git checkout -q -b side; echo x >> a.txt; git commit -qam two
git checkout -q main; echo y >> b.txt; git commit -qam three; git merge -q side -m merged; git log --oneline --graph; git status --short; git diff HEAD~1 --stat; git gc -q; git fsck; rm -r .git`,
    { files: tree, env: git, prints: 'merged' },
  ),
  shell(
    'git clone of a local repository, worktree, stash',
    ['git'],
    `git init -q -b main o; cd o; echo 1 > f; git add f; git commit -qm f; cd ..; git clone -q o c; cd c; git worktree add -q ../w -b w; echo 2 > f; git stash -q; git stash list; cat f; git blame f; git rev-parse HEAD; cd ..; rm -rf o c w`,
    { env: git, prints: 'WIP on main' },
  ),
  shell(
    'tar',
    ['tar'],
    `${tar} -cf o.tar a.txt b.txt sub; tar -tvf o.tar; mkdir out; tar -C out -xf o.tar; diff -r sub out/sub && sha256sum o.tar`,
    { files: tree, prints: 'sub/deep/d', writes: ['o.tar', 'out/sub/c.txt'] },
  ),
  shell(
    'gzip, bzip2, xz, zstd',
    ['gzip', 'bzip2', 'xz-utils', 'zstd'],
    `seq 20000 > n; for c in 'gzip -n' bzip2 'xz -T2' 'zstd -q -T2'; do $c -9 < n > n.c; $c -dc < n.c | cmp - n; sha256sum < n.c; done`,
    { prints: '-' },
  ),
  shell(
    'tar with compressors',
    ['tar', 'gzip', 'xz-utils'],
    `${tar} -cJf o.txz sub; tar -tf o.txz; ${tar} -I 'gzip -n' -cf o.tgz sub; tar xOf o.tgz sub/c.txt; ls`,
    { files: tree, prints: 'sub/c.txt' },
  ),
  shell(
    'zip and unzip',
    ['zip', 'unzip'],
    'zip -qX o.zip a.txt b.txt; unzip -p o.zip b.txt; unzip -tq o.zip; sha256sum o.zip',
    { files: tree, env: { TZ: 'UTC' }, prints: 'delta', writes: ['o.zip'] },
  ),
  shell(
    'cpio',
    ['cpio'],
    'find . -type f | sort | cpio -o --quiet -H newc --reproducible > /tmp/o.cpio; cpio -t --quiet < /tmp/o.cpio; mkdir x; cd x; cpio -idm --quiet < /tmp/o.cpio; find . -type f | sort; rm /tmp/o.cpio',
    { files: tree, prints: 'sub/deep/d' },
  ),
  shell(
    'find and xargs',
    ['findutils'],
    `find . -name '*.txt' -size -10k -newermt 2000-01-01 -print0 | sort -z | xargs -0 -P2 -I{} sh -c 'test -s {}'; find . -type f -exec wc -c {} + | sort; find . -type f -perm -u+r -printf '%p %s %m\\n' | sort`,
    { files: tree, prints: './sub/c.txt' },
  ),
  shell(
    'sort, uniq, join, comm, cut, tr, paste',
    ['coreutils'],
    `seq 200000 | sort -R --random-source=/dev/zero | sort -n --parallel=2 -S 1M | sha256sum; cut -c1 a.txt | paste -sd,; comm -12 a.txt b.txt; join a.txt b.txt; tr a-z A-Z < a.txt | uniq -c | tac`,
    { files: tree, prints: 'ALPHA' },
  ),
  shell(
    'sed -i',
    ['sed'],
    `sed -i 's/\\(a\\)lpha/\\1LPHA/; /beta/d' a.txt; sed -n '$=' a.txt; cat a.txt; sed -e '1!G;h;$!d' b.txt`,
    { files: tree, prints: 'aLPHA', writes: ['a.txt'] },
  ),
  shell(
    'grep',
    ['grep'],
    `grep -rn --include='*.txt' 'a$' . | sort; grep -P '^\\w{5}$' a.txt; grep -c zzz a.txt`,
    { files: tree, status: 1, prints: 'alpha' },
  ),
  shell(
    'diff, patch, cmp, ed',
    ['diffutils', 'patch', 'ed'],
    `diff -u --label a --label b a.txt b.txt > p || true; cat p; patch -s a.txt p; cmp a.txt b.txt; printf '1d\\nw\\nq\\n' | ed -s a.txt; cat a.txt`,
    { files: tree, prints: '+delta', writes: ['p', 'a.txt'] },
  ),
  shell(
    'rsync',
    ['rsync'],
    'rsync -a --checksum sub/ copy/; rsync -ain --checksum --delete sub/ copy/; find copy | sort',
    { files: tree, prints: 'copy/deep/d', writes: ['copy/c.txt'] },
  ),
  shell(
    'jq',
    ['jq'],
    `echo '{"a":[3,1,2],"b":{"c":"é"}}' | jq -c '(.a|sort), (.b|keys), (.a|add)'; echo '{' | jq . 2>/dev/null || echo refused`,
    { prints: '[1,2,3]' },
  ),
  shell(
    'sqlite3',
    ['sqlite3'],
    `printf 'create table t(a,b); insert into t values(1,"x"),(2,"y"); select count(*), max(b) from t;' | sqlite3 t.db; sqlite3 -json t.db 'select * from t'; sqlite3 t.db 'pragma integrity_check; vacuum;'`,
    { prints: 'ok', writes: ['t.db'] },
  ),
  shell(
    'openssl',
    ['openssl'],
    `openssl dgst -sha256 a.txt; openssl enc -aes-256-cbc -pbkdf2 -k pw -in a.txt -out e -S 0102030405060708; openssl enc -d -aes-256-cbc -pbkdf2 -k pw -in e -S 0102030405060708; openssl genpkey -algorithm ed25519 -out k.pem; openssl pkey -in k.pem -noout -text | head -1; openssl req -x509 -key k.pem -subj /CN=x -days 1 -out c.pem; openssl verify -CAfile c.pem c.pem; rm k.pem c.pem`,
    { files: tree, prints: 'c.pem: OK', writes: ['e'] },
  ),
  shell(
    'sha256sum, md5sum, cksum, base64, od',
    ['coreutils'],
    'sha256sum a.txt b.txt > sums; sha256sum -c sums; md5sum a.txt; cksum b.txt; base64 a.txt | base64 -d | od -c | head -2',
    { files: tree, prints: 'a.txt: OK', writes: ['sums'] },
  ),
  shell(
    'xxd and file',
    ['xxd', 'file'],
    'xxd a.txt; xxd -p a.txt | xxd -r -p | cmp - a.txt; file a.txt sub /bin/sh /dev/null | sed "s/BuildID.*//"',
    { files: tree, prints: 'ASCII text' },
  ),
  shell(
    'vim -es',
    ['vim'],
    `vim -Nu NONE -es -c '%s/alpha/omega/' -c 'normal Goend' -c 'wq' a.txt; cat a.txt; vim -Nu NONE -es -c 'echo 6*7' -c 'q' 2>&1; echo`,
    { files: tree, prints: 'omega', writes: ['a.txt'] },
  ),
  shell(
    'imagemagick',
    ['imagemagick'],
    `convert -size 64x48 gradient:red-blue -depth 8 i.ppm; convert i.ppm -resize 50% -rotate 90 -strip -define png:exclude-chunks=date,time o.png; identify -format '%m %wx%h\\n' o.png; convert o.png rgb:- | sha256sum`,
    { prints: 'PNG 24x32', writes: ['o.png'] },
  ),
  shell(
    'xsltproc and xmllint',
    ['xsltproc', 'libxml2-utils'],
    `xmllint --xpath '//b/text()' d.xml; echo; xsltproc s.xsl d.xml; xmllint --noout bad.xml 2>&1`,
    {
      files: {
        'd.xml': '<a><b>1</b><b>2</b></a>',
        'bad.xml': '<a>',
        's.xsl':
          '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="sum(//b)"/><xsl:text>\n</xsl:text></xsl:template></xsl:stylesheet>',
      },
      status: 1,
      prints: '3',
    },
  ),
  shell(
    'gettext and envsubst',
    ['gettext-base'],
    'X=42 envsubst < t; gettext -d none hello; ngettext -d none one many 2',
    { files: { t: 'x is $X\n' }, prints: 'x is 42' },
  ),
  shell('figlet', ['figlet'], 'figlet wasbox', { prints: '__' }),
  shell('units', ['units'], "units -t '2 km' mile; units -t 'tempF(98.6)' tempC", {
    prints: '1.2427',
    // Debian's units reads its currencies from there.
    options: ['--ro', '/var/lib/units'],
  }),
];
