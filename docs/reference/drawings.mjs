// The drawings of "How it works".
import { arrow, box, drawing, group } from '../site/drawing.mjs';

/** Draws the stages from the options to the running program. */
export function stageDrawing() {
  const options = box(10, 20, ['options, profile', 'src/resolve'], { width: 170 });
  const policy = box(10, 120, ['policy text', 'wasm-core, C in WASM'], { width: 190 });
  const host = box(10, 220, ['this host', 'src/host'], { width: 170 });
  const plan = box(300, 120, ['launch plan', 'bytes, checked twice'], {
    width: 180,
    kind: 'strong',
  });
  const init = box(570, 120, ['init', 'executes the plan'], { width: 165 });
  const payload = box(570, 240, ['payload', 'your code'], { width: 165, kind: 'foreign' });
  const report = box(300, 240, ['report', 'what, why, how to fix'], { width: 200 });
  return drawing({
    width: 750,
    height: 320,
    title: 'From options to a running program',
    caption:
      'All decisions are in the plan. Native code parses no text and makes no policy, and it refuses a plan unless it understands all of it.',
    boxes: [options, policy, host, plan, init, payload, report],
    parts: [
      arrow(options, 'right', plan, 'left', '', { toShift: -14 }),
      arrow(policy, 'right', plan, 'left', 'BPF', { toShift: 0 }),
      arrow(host, 'right', plan, 'left', '', { toShift: 14 }),
      arrow(plan, 'right', init, 'left', 'memfd'),
      arrow(init, 'bottom', payload, 'top', 'execve'),
      arrow(payload, 'left', report, 'right', 'events'),
    ],
  });
}

/** Draws which process starts which, and what passes between them. */
export function processDrawing() {
  const caller = box(20, 40, ['your shell or program', 'Node or the command'], { width: 200 });
  const supervisor = box(
    20,
    170,
    ['supervisor', 'C, a thread of its own', 'limits, refusals, report'],
    {
      width: 215,
    },
  );
  const init = box(420, 70, ['wasbox-init', 'PID 1 of the sandbox', 'reaps, forwards signals'], {
    width: 215,
    kind: 'strong',
  });
  const payload = box(420, 220, ['payload', 'PID 2, seccomp in force'], {
    width: 215,
    kind: 'foreign',
  });
  const children = box(420, 330, ['its children', 'all die with PID 1'], {
    width: 215,
    kind: 'foreign',
  });
  return drawing({
    width: 700,
    height: 420,
    title: 'The processes',
    caption:
      'Node is never forked: init starts from a sealed memory file. When the supervisor dies, even by SIGKILL, the kernel kills init and with it everything in its pid namespace.',
    boxes: [caller, supervisor, init, payload, children],
    parts: [
      group(390, 20, 290, 385, 'sandbox: namespaces of its own'),
      arrow(caller, 'bottom', supervisor, 'top', 'run', { shift: -20, toShift: -27 }),
      arrow(supervisor, 'right', init, 'left', 'plan, GO', {
        shift: -20,
        toShift: 0,
        dy: -12,
        dx: -10,
      }),
      arrow(init, 'bottom', payload, 'top', 'execve', { shift: 0 }),
      arrow(payload, 'bottom', children, 'top', 'fork'),
      arrow(payload, 'left', supervisor, 'right', 'refused calls', {
        shift: 0,
        toShift: 20,
        dy: 18,
        dx: 6,
      }),
    ],
  });
}

/** Draws which directories belong to the host, and where writes go. */
export function mountDrawing() {
  const system = box(20, 50, ['/usr  /etc', 'the system'], { width: 170 });
  const home = box(20, 140, ['your home', 'keys, tokens, history'], { width: 195 });
  const work = box(20, 230, ['working directory', 'lower layer'], { width: 170 });
  const state = box(20, 330, ['~/.local/state/wasbox', 'upper layer: changes'], { width: 205 });
  const insideSystem = box(460, 50, ['/usr  /etc', 'read-only'], { width: 190 });
  const insideHome = box(460, 140, ['home  /tmp  /dev/shm', 'empty, in memory'], { width: 190 });
  const insideWork = box(460, 260, ['working directory', 'overlay: both layers'], {
    width: 190,
    kind: 'strong',
  });
  return drawing({
    width: 700,
    height: 420,
    title: 'The mounts',
    caption:
      'Writes to the working directory go to the upper layer. <code>wasbox diff</code> shows it, <code>apply</code> copies it into your directory, <code>discard</code> removes it.',
    boxes: [system, home, work, state, insideSystem, insideHome, insideWork],
    parts: [
      group(5, 10, 245, 400, 'host'),
      group(430, 10, 250, 400, 'sandbox'),
      arrow(system, 'right', insideSystem, 'left', 'bind, read-only'),
      arrow(work, 'right', insideWork, 'left', 'read', { shift: 0, toShift: -12 }),
      arrow(insideWork, 'left', state, 'right', 'write', { shift: 12, toShift: 0, dy: 18 }),
    ],
  });
}
