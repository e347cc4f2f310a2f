/**
 * node:path in the engine. What is normal already, as nearly every path is, is found so in C: QuickJS takes a
 * microsecond for each ten characters that TypeScript looks at.
 */
import { machine } from '../machine.js';

export function normalize(path: string): string {
  if (machine.isNormal(path)) return path;
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!absolute) parts.push(part);
  }
  const found = parts.join('/');
  const end = path.endsWith('/') ? '/' : '';
  if (absolute) return found === '' ? '/' : `/${found}${end}`;
  return `${found === '' ? '.' : found}${end}`;
}

export function join(...parts: readonly string[]): string {
  let path = '';
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (part) path = path === '' ? part : `${path}/${part}`;
  }
  return normalize(path);
}

export const isAbsolute = (path: string): boolean => path.startsWith('/');

export function resolve(...parts: readonly string[]): string {
  let path = '';
  for (let at = parts.length - 1; at >= 0 && !path.startsWith('/'); at--) {
    const part = parts[at] ?? '';
    if (part !== '') path = path === '' ? part : `${part}/${path}`;
  }
  if (!path.startsWith('/')) path = path === '' ? process.cwd() : `${process.cwd()}/${path}`;
  const whole = normalize(path);
  return whole.length > 1 && whole.endsWith('/') ? whole.slice(0, -1) : whole;
}

function withoutEnd(path: string): string {
  let size = path.length;
  while (size > 1 && path[size - 1] === '/') size--;
  return size === path.length ? path : path.slice(0, size);
}

export function dirname(path: string): string {
  const whole = withoutEnd(path);
  const at = whole.lastIndexOf('/');
  if (at < 0) return '.';
  if (at > 0) return at === 1 && whole.startsWith('//') ? '//' : whole.slice(0, at);
  return '/';
}

export function basename(path: string, suffix = ''): string {
  const whole = withoutEnd(path);
  const name = whole.slice(whole.lastIndexOf('/') + 1);
  return suffix !== '' && name !== suffix && name.endsWith(suffix)
    ? name.slice(0, -suffix.length)
    : name;
}

export function extname(path: string): string {
  const name = basename(path);
  const at = name.lastIndexOf('.');
  return at <= 0 || name === '..' ? '' : name.slice(at);
}

export function relative(from: string, to: string): string {
  const parts = (path: string) => resolve(path).split('/').filter(Boolean);
  const [start, end] = [parts(from), parts(to)];
  let same = 0;
  while (same < start.length && same < end.length && start[same] === end[same]) same++;
  return [...start.slice(same).map(() => '..'), ...end.slice(same)].join('/');
}

export const posix = {
  normalize,
  join,
  isAbsolute,
  resolve,
  dirname,
  basename,
  extname,
  relative,
};
