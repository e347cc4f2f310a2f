/** Asks R which files of a project, a package and the home it runs. */
import { describe } from 'vitest';
import { needs } from '../../support/needs.js';
import { type Case, expectVerdict, titled, touch } from './judge.js';

const tools = needs('r-base-core');

const r = 'file.create("%M")\n';
const program = `#!/bin/sh\n${touch}`;
/** Make runs it when it reads the file, so that no compiler is needed. */
const makevars = 'X := $(shell touch %M)\n';
const start = 'Rscript -e 0';
/** R reads what was saved only where it asks whether to save again. */
const restore = 'R --no-save --no-echo --restore -e 0';

const row = (name: string, content = r, more: Partial<Case> = {}): Case => ({
  what: name,
  name,
  content,
  start,
  verdict: 'held',
  ...more,
});

/** A file that a start-up file of the user names. */
const named = (text: string, name: string, more: Partial<Case> = {}): Case =>
  row(name, r, {
    what: `${name}, with \`${text}\` in .Rprofile`,
    host: { '.Rprofile': `${text}\n` },
    ...more,
  });

const environment = (text: string, name: string, more: Partial<Case> = {}): Case =>
  row(name, r, {
    what: `${name}, with \`${text}\` in .Renviron`,
    host: { '.Renviron': `${text}\n` },
    ...more,
  });

/** A package whose DESCRIPTION the user has, and what is built of it. */
const description = `Package: pkg
Version: 1.0
Title: T
Description: D.
License: GPL-3
Author: A
Maintainer: A <a@b.c>
`;
const install = 'mkdir -p lib; R CMD INSTALL --no-docs --no-test-load -l lib pkg';
const sources = { 'pkg/DESCRIPTION': description, 'pkg/NAMESPACE': '', 'pkg/R/a.R': 'x <- 1\n' };
const ofPackage = (name: string, content = r, more: Partial<Case> = {}): Case =>
  row(`pkg/${name}`, content, {
    start: install,
    verdict: 'marked',
    ...more,
    host: { ...sources, ...more.host },
  });

const run: readonly Case[] = [
  row('.Rprofile'),
  row('.Renviron', 'R_PROFILE_USER=%W/own.R\n', { host: { 'own.R': r } }),
  row('.RData', '', {
    made: `Rscript --vanilla -e '.First <- function() file.create("%M"); save.image()'`,
    start: restore,
  }),
  named('source("renv/activate.R")', 'renv/activate.R'),
  named("source('tools/x.R')", 'tools/x.R'),
  named('if (file.exists("own.R")) source("own.R")', 'own.R'),
  named('source(file.path("tools", "x.R"))', 'tools/x.R'),
  named('source(file.path(getwd(), "tools", "x.R"))', 'tools/x.R'),
  named('sys.source("tools/x.R", envir = globalenv())', 'tools/x.R'),
  named('f <- "tools/x.R"; source(f)', 'tools/x.R'),
  named('for (f in list.files("tools", full.names = TRUE)) source(f)', 'tools/y.R', {
    host: {
      '.Rprofile': 'for (f in list.files("tools", full.names = TRUE)) source(f)\n',
      'tools/x.R': '1\n',
    },
  }),
  named('invisible(lapply(dir("tools", "[.]R$", full.names = TRUE), source))', 'tools/y.R', {
    host: {
      '.Rprofile': 'invisible(lapply(dir("tools", "[.]R$", full.names = TRUE), source))\n',
      'tools/x.R': '1\n',
    },
  }),
  named('source("tools/x.R")', 'tools/y.R', {
    what: 'tools/y.R, which the script that .Rprofile sources, sources',
    host: { '.Rprofile': 'source("tools/x.R")\n', 'tools/x.R': 'source("tools/y.R")\n' },
  }),
  named('load("own.rda"); f()', 'own.rda', {
    host: { '.Rprofile': 'if (file.exists("own.rda")) { load("own.rda"); f() }\n' },
    made: `Rscript --vanilla -e 'f <- function() file.create("%M"); save(f, file = "own.rda")'`,
  }),
  environment('R_PROFILE_USER=tools/x.R', 'tools/x.R'),
  environment('R_LIBS=lib', 'lib/pkg/R/pkg.rdb', {
    host: { ...sources, '.Renviron': 'R_LIBS=lib\n' },
    setUp: install,
    made: `echo '.onLoad <- function(...) file.create("%M")' > pkg/R/a.R; ${install}`,
    start: 'Rscript -e "library(pkg)"',
  }),
  row('Makevars', makevars, {
    host: { 'a.c': 'int a;\n' },
    start: 'R CMD SHLIB a.c',
    verdict: 'marked',
  }),
  ofPackage('configure', program),
  ofPackage('cleanup', program, { start: install.replace('INSTALL', 'INSTALL --clean') }),
  ofPackage('src/Makevars', makevars, {
    host: { 'pkg/src/a.c': 'int a;\n' },
  }),
  ofPackage('src/Makefile', 'all:\n\ttouch %M\n', { host: { 'pkg/src/a.c': 'int a;\n' } }),
  ofPackage('src/install.libs.R', r, { host: { 'pkg/src/Makefile': 'all:\n\ttrue\n' } }),
  ofPackage(
    'man/a.Rd',
    '\\name{a}\\title{a}\\description{\\Sexpr[stage=install]{file.create("%M")}}\n',
    {
      start: install.replace(' --no-docs', ''),
    },
  ),
  ofPackage('data/a.R', `${r}a <- 1\n`, {
    host: { 'pkg/DESCRIPTION': `${description}LazyData: true\n`, 'pkg/data/b.csv': 'a\n1\n' },
  }),
  ofPackage('inst/CITATION', `${r}bibentry("Misc", title = "t", author = "a", year = 1)\n`, {
    start: `${install}; Rscript -e 'print(citation("pkg", lib.loc = "lib"))'`,
  }),
];

const ofHome: readonly Case[] = [
  row('.Rprofile'),
  row('.R/Makevars', makevars, {
    host: { 'a.c': 'int a;\n' },
    start: 'R CMD SHLIB a.c',
  }),
  row('.R/check.Renviron', 'R_PROFILE_USER=%W/own.R\n', {
    host: { 'own.R': r, ...sources },
    start: 'R CMD check --no-manual pkg',
  }),
];

const notRun: readonly Case[] = [
  row('.Rhistory', r, { start: restore }),
  row('sub/x.R'),
  row('sub/Rprofile'),
  row('x.R'),
  named('source("tools/x.R")', 'tools/z.R', {
    host: { '.Rprofile': 'source("tools/x.R")\n', 'tools/x.R': '1\n' },
  }),
  named('options(prompt = "R> ")', 'options.R'),
  ofPackage('.Rbuildignore', '^x$\n', { start: 'R CMD build pkg' }),
  ofPackage('.Rinstignore', '^x$\n'),
  ofPackage('vignettes/.install_extras', 'x\n', { start: 'R CMD build --no-build-vignettes pkg' }),
  ofPackage('man/a.Rd', '\\name{a}\\title{a}\\description{A}\n', {
    start: install.replace(' --no-docs', ''),
  }),
  ofPackage('NEWS.md', '# p 1.0\n'),
].map((one) => ({ ...one, verdict: 'plain' as const }));

describe('R runs', () => {
  tools.test.each(titled(run))('%s, and it is pointed out', (_, one) => {
    expectVerdict(one);
  });
  tools.test.each(titled(ofHome))('%s of the home, and it is held', (_, one) => {
    expectVerdict(one, true);
  });
});

describe('R does not run', () => {
  tools.test.each(titled(notRun))('%s, and it is applied', (_, one) => {
    expectVerdict(one);
  });
});
