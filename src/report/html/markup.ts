/** HTML as a template that escapes whatever is put into it, also what a reader would not see. */
import { displayText } from '../../text/index.js';

/** Markup that was made here: put into other markup as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  text
    .split('\n')
    .map(displayText)
    .join('\n')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '');

type Part = Markup | string | number | undefined | readonly Part[];

function render(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(render).join('');
  return escapeHtml(String(part));
}

/** Texts and numbers are escaped, also in attributes with quotes; lists are joined. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : '')).join(''),
  );
}
