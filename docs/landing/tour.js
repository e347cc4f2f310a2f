// Plays the recorded tour when it is asked to: types the commands and shows each line when its turn comes.
// Everything is there at once until then. The text is selectable throughout.

/** Milliseconds for a typed character, before a command's first output, and for a line at least. */
const perCharacter = 38;
const beforeOutput = 350;
const perLine = 70;
const afterCommand = 1400;

const tour = document.querySelector('#tour');
const screen = tour?.querySelector('.tour-screen');
const button = tour?.querySelector('.tour-play');

/** Returns what to do and how long to wait before it. */
function scriptOf(lines) {
  const moves = [];
  for (const [at, line] of lines.entries()) {
    const show = () => line.classList.remove('t-waiting');
    if (!line.classList.contains('t-typed')) {
      const first = lines[at - 1]?.classList.contains('t-typed') === true;
      moves.push({ wait: first ? beforeOutput : perLine, act: show });
      continue;
    }
    const command = line.querySelector('.t-command');
    const text = command.textContent;
    moves.push({
      wait: at === 0 ? 600 : afterCommand,
      act: () => {
        command.textContent = '';
        show();
      },
    });
    for (let length = 1; length <= text.length; length++) {
      moves.push({
        wait: perCharacter,
        act: () => {
          command.textContent = text.slice(0, length);
        },
      });
    }
  }
  return moves;
}

if (screen && button) {
  const lines = [...screen.querySelectorAll('.t-line')];
  const texts = lines.map((line) => line.querySelector('.t-command')?.textContent);
  const moves = scriptOf(lines);
  let next = moves.length;
  let timer;

  const label = (text) => {
    button.textContent = text;
    tour.dataset.state = { Pause: 'playing', Play: 'still', 'Play again': 'done' }[text];
  };
  /** Keeps the newest line in view, unless the reader has scrolled back. */
  const follow = () => {
    const last = lines.findLast((line) => !line.classList.contains('t-waiting'));
    if (last === undefined) return;
    const bottom = last.offsetTop + last.offsetHeight - screen.clientHeight + 16;
    if (bottom > screen.scrollTop) screen.scrollTop = bottom;
  };
  const step = () => {
    if (next >= moves.length) {
      label('Play again');
      return;
    }
    timer = setTimeout(() => {
      moves[next].act();
      next += 1;
      follow();
      step();
    }, moves[next].wait);
  };
  const restart = () => {
    for (const [at, line] of lines.entries()) {
      const command = line.querySelector('.t-command');
      if (command !== null) command.textContent = texts[at];
      line.classList.add('t-waiting');
    }
    screen.scrollTop = 0;
    next = 0;
  };
  button.addEventListener('click', () => {
    clearTimeout(timer);
    if (tour.dataset.state === 'playing') {
      label('Play');
      return;
    }
    if (next >= moves.length) restart();
    label('Pause');
    step();
  });

  button.hidden = false;
  label('Play');
}
