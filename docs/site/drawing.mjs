// Drawings as SVG: boxes that are as wide as their text needs, and arrows between their edges. The
// colours are the page's, so that a drawing is right in the dark, too.
import { escapeHtml } from './html.mjs';

/** Width of a character of the drawing's font, with some room: never less than it needs. */
const charWidth = 7.4;
const lineHeight = 18;
const padding = 12;

/**
 * @param lines text; the first is bold
 * @returns a box with its size, to be placed and connected
 */
export function box(x, y, lines, { width, kind = '' } = {}) {
  const needed = Math.max(...lines.map((line) => line.length)) * charWidth + 2 * padding;
  if (width !== undefined && width < needed) {
    throw new Error(`"${lines.join(' / ')}" needs ${Math.ceil(needed)}, not ${width}`);
  }
  return {
    x,
    y,
    lines,
    kind,
    width: width ?? needed,
    height: lines.length * lineHeight + 2 * padding,
  };
}

const drawBox = ({ x, y, lines, kind, width, height }) => {
  const text = lines.map(
    (line, at) =>
      `<text x="${x + padding}" y="${y + padding + 13 + at * lineHeight}"${at === 0 ? ' class="head"' : ''}>${escapeHtml(line)}</text>`,
  );
  return `<g class="box ${kind}"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>${text.join('')}</g>`;
};

/** Where an arrow touches a box: the middle of a side, moved along it by `shift`. */
function side({ x, y, width, height }, name, shift) {
  if (name === 'left') return [x, y + height / 2 + shift];
  if (name === 'right') return [x + width, y + height / 2 + shift];
  if (name === 'top') return [x + width / 2 + shift, y];
  return [x + width / 2 + shift, y + height];
}

/** An arrow from a side of one box to a side of another, with a text beside its middle. */
export function arrow(
  from,
  fromSide,
  to,
  toSide,
  text = '',
  { shift = 0, toShift = shift, dx = 0, dy = -6 } = {},
) {
  const [x1, y1] = side(from, fromSide, shift);
  const [x2, y2] = side(to, toSide, toShift);
  const vertical = fromSide === 'top' || fromSide === 'bottom';
  const anchor = vertical ? 'start' : 'middle';
  const label =
    text === ''
      ? ''
      : `<text class="label" text-anchor="${anchor}" x="${(x1 + x2) / 2 + (vertical ? 8 : 0) + dx}" y="${(y1 + y2) / 2 + (vertical ? 4 : dy)}">${escapeHtml(text)}</text>`;
  return `<path class="arrow" d="M${x1} ${y1}L${x2} ${y2}" marker-end="url(#arrow)"/>${label}`;
}

/** A frame around other things, with its name at the top. */
export const group = (x, y, width, height, name) =>
  `<g class="group"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/><text x="${x + 12}" y="${y + 20}">${escapeHtml(name)}</text></g>`;

/** A whole drawing as a figure; `title` is what a screen reader says of it. */
export function drawing({ width, height, title, caption, parts, boxes }) {
  for (const one of boxes) {
    if (one.x < 0 || one.y < 0 || one.x + one.width > width || one.y + one.height > height) {
      throw new Error(`"${one.lines[0]}" lies outside of the drawing "${title}"`);
    }
  }
  return `<figure class="drawing" tabindex="0" aria-label="${escapeHtml(title)}"><svg viewBox="0 0 ${width} ${height}" style="min-width:${Math.round(width * 0.72)}px" role="img" aria-label="${escapeHtml(title)}">
<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10Z"/></marker></defs>
${parts.join('\n')}
${boxes.map(drawBox).join('\n')}
</svg><figcaption>${caption}</figcaption></figure>`
    .replaceAll('#arrow', `#arrow-${slugOf(title)}`)
    .replace('id="arrow"', `id="arrow-${slugOf(title)}"`);
}

const slugOf = (title) => title.toLowerCase().replace(/[^a-z]+/g, '-');
