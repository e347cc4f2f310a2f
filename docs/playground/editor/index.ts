/** Playground, editor. CodeMirror, with inline diagnostics and the deciding rule marked. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, RangeSet, StateEffect, StateField, type Text } from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  tooltips,
} from '@codemirror/view';
import type { PolicyDiagnostic } from '../../../src/policy.js';
import { completionSource, type Known } from './complete.js';
import { policyColours, policyLanguage } from './language.js';

/** Lines of the rule that decides, from 1. */
export interface Lines {
  readonly first: number;
  readonly last: number;
}

const markLines = StateEffect.define<Lines | undefined>();
const decidingLine = Decoration.line({ class: 'deciding' });

const deciding = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { effects, changes, state }) {
    let now = marks.map(changes);
    for (const effect of effects) {
      if (!effect.is(markLines)) continue;
      const { first, last } = effect.value ?? { first: 1, last: 0 };
      const end = Math.min(last, state.doc.lines);
      const ranges = [];
      for (let line = first; line <= end; line++)
        ranges.push(decidingLine.range(state.doc.line(line).from));
      now = RangeSet.of(ranges);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Position of a line and a column in characters, both from 1. */
function offsetAt(doc: Text, line: number, column: number): number {
  const { from, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return from + [...text].slice(0, column - 1).join('').length;
}

const oneWord = /^@?[\w-]+$/;

/** Replaces the word at the diagnostic with its suggestion. */
export function applySuggestion(view: EditorView, d: PolicyDiagnostic): void {
  const from = offsetAt(view.state.doc, d.line, d.column);
  const to = offsetAt(view.state.doc, d.line, d.column + d.length);
  const there = view.state.sliceDoc(from, to);
  if (d.suggestion === undefined || !oneWord.test(there)) return;
  const insert = there.startsWith('@') ? `@${d.suggestion}` : d.suggestion;
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length } });
  view.focus();
}

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  readonly known: () => Known;
  readonly onChange: () => void;
  /** Ctrl-Enter: go to the call. */
  readonly onLeave: () => void;
}

export class PolicyEditor {
  readonly view: EditorView;

  constructor({ parent, text, known, onChange, onLeave }: EditorOptions) {
    const leave = () => {
      onLeave();
      return true;
    };
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          highlightActiveLineGutter(),
          highlightActiveLine(),
          history(),
          // Anyone can send a link, so bidirectional control characters are shown.
          highlightSpecialChars(),
          drawSelection(),
          EditorView.lineWrapping,
          bracketMatching(),
          closeBrackets(),
          policyLanguage,
          syntaxHighlighting(policyColours),
          autocompletion({
            override: [completionSource(known)],
            icons: false,
            maxRenderedOptions: 60,
          }),
          tooltips({ position: 'fixed', parent: document.body }),
          deciding,
          // Tab stays free, because keyboard users leave the editor with it.
          keymap.of([
            { key: 'Mod-Enter', run: leave },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...lintKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          EditorView.contentAttributes.of({
            'aria-label': 'Policy',
            'aria-describedby': 'editor-keys',
            tabindex: '0',
            spellcheck: 'false',
            autocapitalize: 'off',
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) onChange();
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Replaces everything; one step of undo. */
  replace(text: string): void {
    if (text === this.text) return;
    const to = this.view.state.doc.length;
    this.view.dispatch({ changes: { from: 0, to, insert: text }, selection: { anchor: 0 } });
    this.view.scrollDOM.scrollTop = 0;
  }

  showDiagnostics(diagnostics: readonly PolicyDiagnostic[]): void {
    const { doc } = this.view.state;
    const shown = diagnostics.map((d): Diagnostic => {
      const from = offsetAt(doc, d.line, d.column);
      const to = Math.max(from, offsetAt(doc, d.line, d.column + d.length));
      const message = d.hint === undefined ? d.message : `${d.message}\n${d.hint}`;
      return { from, to, severity: d.severity, message };
    });
    this.view.dispatch(setDiagnostics(this.view.state, shown));
  }

  /**
   * Marks the rule that decides; none without lines. Scrolls it into view, except while the
   * user types somewhere else.
   */
  mark(lines: Lines | undefined): void {
    this.view.dispatch({ effects: markLines.of(lines) });
    if (lines === undefined || this.view.hasFocus) return;
    const { from } = this.view.state.doc.line(Math.min(lines.first, this.view.state.doc.lines));
    this.view.dispatch({ effects: EditorView.scrollIntoView(from, { y: 'nearest', yMargin: 24 }) });
  }

  /** Scrolls to a place and puts the cursor there. */
  goTo(line: number, column = 1): void {
    const anchor = offsetAt(this.view.state.doc, line, column);
    const effects = EditorView.scrollIntoView(anchor, { y: 'center' });
    this.view.dispatch({ selection: { anchor }, effects });
    this.view.focus();
  }
}
