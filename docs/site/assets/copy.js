// A button that copies the commands of a block, without prompts and output.

/** Returns what a reader would type. */
function commandsOf(block) {
  const prompts = [...block.querySelectorAll('.hl-command')].map((node) => node.textContent);
  return prompts.length > 0 ? prompts.join('\n') : block.textContent;
}

export function addCopyButtons() {
  if (navigator.clipboard === undefined) return;
  for (const box of document.querySelectorAll('.code[data-copy]')) {
    const code = box.querySelector('code');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(`${commandsOf(code).trimEnd()}\n`);
        button.textContent = 'Copied';
      } catch {
        button.textContent = 'Not allowed';
      }
      setTimeout(() => {
        button.textContent = 'Copy';
      }, 1500);
    });
    box.append(button);
  }
}
