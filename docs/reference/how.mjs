// "How it works": the text is Markdown; docs/site/drawing.mjs makes the drawings.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from '../site/markdown.mjs';
import { mountDrawing, processDrawing, stageDrawing } from './drawings.mjs';

export function render({ docs }) {
  const text = readFileSync(join(docs, 'pages/about/how.md'), 'utf8');
  const pieces = { stages: stageDrawing(), processes: processDrawing(), mounts: mountDrawing() };
  return renderMarkdown(text, { pieces });
}
