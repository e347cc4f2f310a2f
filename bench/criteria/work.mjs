// The work is the same for every system, and the ordinary programs that should not notice that they are in one.

export const work = [
  { name: 'a Python script', command: ['python3', 'report.py'], says: /^total 30$/m },
  { name: 'a shell installer', command: ['sh', 'install.sh'], says: /^tool 1\.0$/m },
  {
    name: 'tests of a Node project',
    command: ['sh', '-c', 'cd node && node --test'],
    says: /^# pass 1$|pass 1$/m,
  },
];

/** Shell lines whose output and status are to be those of the same line without a sandbox. */
export const programs = [
  'git -c user.name=a -c user.email=a@b -c safe.directory="*" commit -q --allow-empty -m x && git -c safe.directory="*" log --format=%s -1',
  'python3 -c "import multiprocessing as m; print(m.Pool(2).map(abs, [-1, 2]))"',
  "python3 -c \"import sqlite3; print(sqlite3.connect('x.db').execute('select 1+1').fetchone())\"",
  'node -e "console.log([1,2].map((n) => n * 2))"',
  "node -e \"require('fs').mkdtempSync(require('os').tmpdir() + '/a'); console.log(1)\"",
  "echo 'int main(void){return 7;}' > x.c && gcc -o x x.c && ./x; echo $?",
  "printf 'all:\\n\\t@echo made\\n' > Makefile && make",
  'perl -e \'print join(",", sort { $a <=> $b } 3, 1, 2), "\\n"\'',
  "bash -c 'cat <(echo substituted)'",
  'tar cf x.tar data.csv && tar tf x.tar',
  'ssh-keygen -q -t ed25519 -N "" -f key && test -s key && echo key',
  'seq 5 | sort -r | head -1; mktemp >/dev/null && echo temp',
  'mkfifo f && (echo through > f & cat f)',
  'ps -o comm= -p $$ >/dev/null && echo ps',
];
